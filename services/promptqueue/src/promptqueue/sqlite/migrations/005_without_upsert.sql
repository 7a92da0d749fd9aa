-- A prompt that joins the line finds its block or makes it in two plain statements. An upsert within a trigger makes
-- SQLite ready to undo the whole statement, which within a savepoint takes the longer the more was written there before.
DROP TRIGGER line_joined;
CREATE TRIGGER line_joined AFTER INSERT ON prompts WHEN NEW.status = 'queued' BEGIN
    INSERT INTO line (priority, block, prompts)
    SELECT NEW.priority, NEW.seq / 256, 0
    WHERE NOT EXISTS (SELECT 1 FROM line WHERE priority = NEW.priority AND block = NEW.seq / 256);
    UPDATE line SET prompts = prompts + 1 WHERE priority = NEW.priority AND block = NEW.seq / 256;
    UPDATE counters SET moves = moves + 1 WHERE status = 'queued' AND priority = NEW.priority;
END;
