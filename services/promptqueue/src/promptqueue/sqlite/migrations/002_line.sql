-- A place in line is a count of all that wait before, which with 100,000 of them takes 8 ms. So the line is counted in
-- blocks of 256 numbers: a place is the sum of the blocks before, and a count within one.

CREATE TABLE line (
    priority TEXT NOT NULL,
    block INTEGER NOT NULL,  -- seq / 256
    prompts INTEGER NOT NULL CHECK (prompts >= 0),
    PRIMARY KEY (priority, block)
) STRICT, WITHOUT ROWID;

INSERT INTO line (priority, block, prompts)
SELECT priority, seq / 256, count(*) FROM prompts WHERE status = 'queued' GROUP BY priority, seq / 256;

-- How often the line has moved. Whoever follows it sees from one number that no place is another.
ALTER TABLE counters ADD COLUMN moves INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER line_joined AFTER INSERT ON prompts WHEN NEW.status = 'queued' BEGIN
    INSERT INTO line (priority, block, prompts) VALUES (NEW.priority, NEW.seq / 256, 1)
    ON CONFLICT (priority, block) DO UPDATE SET prompts = prompts + 1;
    UPDATE counters SET moves = moves + 1 WHERE status = 'queued' AND priority = NEW.priority;
END;
CREATE TRIGGER line_joined_again AFTER UPDATE OF status ON prompts
WHEN NEW.status = 'queued' AND OLD.status <> 'queued' BEGIN
    INSERT INTO line (priority, block, prompts) VALUES (NEW.priority, NEW.seq / 256, 1)
    ON CONFLICT (priority, block) DO UPDATE SET prompts = prompts + 1;
    UPDATE counters SET moves = moves + 1 WHERE status = 'queued' AND priority = NEW.priority;
END;
CREATE TRIGGER line_left AFTER UPDATE OF status ON prompts
WHEN OLD.status = 'queued' AND NEW.status <> 'queued' BEGIN
    UPDATE line SET prompts = prompts - 1 WHERE priority = OLD.priority AND block = OLD.seq / 256;
    DELETE FROM line WHERE priority = OLD.priority AND block = OLD.seq / 256 AND prompts = 0;
    UPDATE counters SET moves = moves + 1 WHERE status = 'queued' AND priority = OLD.priority;
END;
CREATE TRIGGER line_left_for_good AFTER DELETE ON prompts WHEN OLD.status = 'queued' BEGIN
    UPDATE line SET prompts = prompts - 1 WHERE priority = OLD.priority AND block = OLD.seq / 256;
    DELETE FROM line WHERE priority = OLD.priority AND block = OLD.seq / 256 AND prompts = 0;
    UPDATE counters SET moves = moves + 1 WHERE status = 'queued' AND priority = OLD.priority;
END;
