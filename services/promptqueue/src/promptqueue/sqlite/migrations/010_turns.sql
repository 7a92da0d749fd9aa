-- Whose turn it is. Owners take turns by the seconds of a slot that they are answered for: a claim is charged with what
-- their last prompts took in the mean, and what it really took corrects that at the end. Triggers do it, so that no way
-- to claim or to end a prompt is free, an older program's neither. Times are microseconds, whole ones: places are exact.

DROP TRIGGER line_joined;
DROP TRIGGER line_joined_again;
DROP TRIGGER line_left;
DROP TRIGGER line_left_for_good;

-- Within a lane each owner has a line of its own.
DROP INDEX prompts_in_line;
CREATE INDEX prompts_in_line ON prompts (priority DESC, owner, seq) WHERE status = 'queued';
CREATE INDEX prompts_waiting ON prompts (seq) WHERE status = 'queued';  -- of all owners, in the order in which they came

DROP TABLE line;
CREATE TABLE line (
    priority TEXT NOT NULL,
    owner INTEGER NOT NULL,
    block INTEGER NOT NULL,  -- seq / 256
    prompts INTEGER NOT NULL CHECK (prompts >= 0),
    PRIMARY KEY (priority, owner, block)
) STRICT, WITHOUT ROWID;
INSERT INTO line (priority, owner, block, prompts)
SELECT priority, owner, seq / 256, count(*) FROM prompts INDEXED BY prompts_in_line WHERE status = 'queued'
GROUP BY priority, owner, seq / 256;

CREATE TABLE lanes (
    priority TEXT PRIMARY KEY,
    share REAL NOT NULL,  -- of the slots' time, while both wait
    price INTEGER NOT NULL DEFAULT 2000000,  -- what its last prompts took in the mean
    start INTEGER NOT NULL DEFAULT 0,  -- what it was charged so far, by its share
    now INTEGER NOT NULL DEFAULT 0  -- the start of the turn that was taken last
) STRICT, WITHOUT ROWID;
INSERT INTO lanes (priority, share) VALUES ('interactive', 9), ('batch', 1);

CREATE TABLE turns (
    priority TEXT NOT NULL,
    owner INTEGER NOT NULL,
    waiting INTEGER NOT NULL DEFAULT 0 CHECK (waiting >= 0),
    start INTEGER NOT NULL DEFAULT 0,  -- when its next turn begins: the least comes first
    since INTEGER NOT NULL DEFAULT 0,  -- number of the prompt with which it came to wait: of two with one start the first
    price INTEGER NOT NULL DEFAULT 2000000,  -- what its last prompts took in the mean
    weight REAL NOT NULL DEFAULT 1,  -- the owner's
    PRIMARY KEY (priority, owner)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX turns_next ON turns (priority, start, since, owner) WHERE waiting > 0;
INSERT INTO turns (priority, owner, waiting, since, weight)
SELECT priority, owner, count(*), min(seq), coalesce((SELECT weight FROM owners WHERE owner = prompts.owner), 1)
FROM prompts INDEXED BY prompts_in_line WHERE status = 'queued' GROUP BY priority, owner;
CREATE TRIGGER owner_weighed AFTER UPDATE OF weight ON owners BEGIN
    UPDATE turns SET weight = NEW.weight WHERE owner = NEW.owner;
    UPDATE counters SET moves = moves + 1 WHERE status = 'queued' AND prompts > 0;
END;

UPDATE owners
SET running = (SELECT count(*) FROM prompts WHERE status = 'processing' AND prompts.owner = owners.owner);

CREATE TRIGGER line_joined AFTER INSERT ON prompts WHEN NEW.status = 'queued' BEGIN
    INSERT INTO line (priority, owner, block, prompts)
    SELECT NEW.priority, NEW.owner, NEW.seq / 256, 0
    WHERE NOT EXISTS (SELECT 1 FROM line WHERE priority = NEW.priority AND owner = NEW.owner AND block = NEW.seq / 256);
    UPDATE line SET prompts = prompts + 1
    WHERE priority = NEW.priority AND owner = NEW.owner AND block = NEW.seq / 256;
    UPDATE counters SET moves = moves + 1 WHERE status = 'queued' AND priority = NEW.priority;
    INSERT INTO turns (priority, owner, weight)
    SELECT NEW.priority, NEW.owner, coalesce((SELECT weight FROM owners WHERE owner = NEW.owner), 1)
    WHERE NOT EXISTS (SELECT 1 FROM turns WHERE priority = NEW.priority AND owner = NEW.owner);
    UPDATE turns
    SET waiting = waiting + 1,
        start = CASE waiting WHEN 0 THEN max(start, (SELECT now FROM lanes WHERE priority = NEW.priority)) ELSE start END,
        since = CASE waiting WHEN 0 THEN NEW.seq ELSE since END
    WHERE priority = NEW.priority AND owner = NEW.owner;
END;
CREATE TRIGGER line_joined_again AFTER UPDATE OF status ON prompts
WHEN NEW.status = 'queued' AND OLD.status <> 'queued' BEGIN
    INSERT INTO line (priority, owner, block, prompts)
    SELECT NEW.priority, NEW.owner, NEW.seq / 256, 0
    WHERE NOT EXISTS (SELECT 1 FROM line WHERE priority = NEW.priority AND owner = NEW.owner AND block = NEW.seq / 256);
    UPDATE line SET prompts = prompts + 1
    WHERE priority = NEW.priority AND owner = NEW.owner AND block = NEW.seq / 256;
    UPDATE counters SET moves = moves + 1 WHERE status = 'queued' AND priority = NEW.priority;
    INSERT INTO turns (priority, owner, weight)
    SELECT NEW.priority, NEW.owner, coalesce((SELECT weight FROM owners WHERE owner = NEW.owner), 1)
    WHERE NOT EXISTS (SELECT 1 FROM turns WHERE priority = NEW.priority AND owner = NEW.owner);
    UPDATE turns
    SET waiting = waiting + 1,
        start = CASE waiting WHEN 0 THEN max(start, (SELECT now FROM lanes WHERE priority = NEW.priority)) ELSE start END,
        since = CASE waiting WHEN 0 THEN NEW.seq ELSE since END
    WHERE priority = NEW.priority AND owner = NEW.owner;
END;

-- Who leaves the line unclaimed owes nothing: nothing was charged.
CREATE TRIGGER line_left AFTER UPDATE OF status ON prompts
WHEN OLD.status = 'queued' AND NEW.status = 'completed' BEGIN
    UPDATE line SET prompts = prompts - 1
    WHERE priority = OLD.priority AND owner = OLD.owner AND block = OLD.seq / 256;
    DELETE FROM line
    WHERE priority = OLD.priority AND owner = OLD.owner AND block = OLD.seq / 256 AND prompts = 0;
    UPDATE counters SET moves = moves + 1 WHERE status = 'queued' AND priority = OLD.priority;
    UPDATE turns SET waiting = waiting - 1 WHERE priority = OLD.priority AND owner = OLD.owner;
END;
CREATE TRIGGER line_left_for_good AFTER DELETE ON prompts WHEN OLD.status = 'queued' BEGIN
    UPDATE line SET prompts = prompts - 1
    WHERE priority = OLD.priority AND owner = OLD.owner AND block = OLD.seq / 256;
    DELETE FROM line
    WHERE priority = OLD.priority AND owner = OLD.owner AND block = OLD.seq / 256 AND prompts = 0;
    UPDATE counters SET moves = moves + 1 WHERE status = 'queued' AND priority = OLD.priority;
    UPDATE turns SET waiting = waiting - 1 WHERE priority = OLD.priority AND owner = OLD.owner;
END;

-- A claim is charged to its owner and to its lane. While a prompt runs, `ran_seconds` says with how much.
CREATE TRIGGER turn_taken AFTER UPDATE OF status ON prompts
WHEN OLD.status = 'queued' AND NEW.status = 'processing' BEGIN
    UPDATE line SET prompts = prompts - 1
    WHERE priority = NEW.priority AND owner = NEW.owner AND block = NEW.seq / 256;
    DELETE FROM line
    WHERE priority = NEW.priority AND owner = NEW.owner AND block = NEW.seq / 256 AND prompts = 0;
    UPDATE counters SET moves = moves + 1 WHERE status = 'queued' AND priority = NEW.priority;
    -- A lane in which nobody waits saves nothing up for later.
    UPDATE lanes SET start = max(start, (SELECT start FROM lanes AS taken WHERE taken.priority = NEW.priority))
    WHERE priority <> NEW.priority
      AND (SELECT prompts FROM counters WHERE status = 'queued' AND counters.priority = lanes.priority) = 0;
    UPDATE lanes
    SET now = max(now, turn.start),
        start = lanes.start + CAST(coalesce(CAST(round(NEW.ran_seconds * 1e6) AS INTEGER), turn.price) / share AS INTEGER)
    FROM (SELECT start, price FROM turns WHERE priority = NEW.priority AND owner = NEW.owner) AS turn
    WHERE priority = NEW.priority;
    -- At least a microsecond, or a heavy owner's turn would never be over.
    UPDATE turns
    SET waiting = waiting - 1,
        start = max(start, (SELECT now FROM lanes WHERE priority = NEW.priority))
            + max(1, CAST(coalesce(CAST(round(NEW.ran_seconds * 1e6) AS INTEGER), price) / weight AS INTEGER))
    WHERE priority = NEW.priority AND owner = NEW.owner;
    UPDATE owners SET running = running + 1 WHERE owner = NEW.owner;
END;

-- At the end of an attempt the charge becomes what it took: from `claimed_at` to what the end leaves there, half a second
-- at least, and nothing where it leaves nothing. What an older program claimed stays charged as it was.
CREATE TRIGGER turn_ended AFTER UPDATE OF status ON prompts
WHEN OLD.status = 'processing' AND NEW.status <> 'processing' BEGIN
    -- Nobody gets so much back that he comes before a newcomer twice.
    UPDATE turns
    SET start = max(start + CAST((cost - charged) / weight AS INTEGER),
                    min(start, (SELECT now FROM lanes WHERE priority = NEW.priority) + CAST(500000 / weight AS INTEGER))),
        price = CASE cost WHEN 0 THEN price ELSE price + (cost - price) / 4 END
    FROM (SELECT cost, coalesce(CAST(round(OLD.ran_seconds * 1e6) AS INTEGER), cost) AS charged FROM (
              SELECT CASE WHEN NEW.claimed_at IS NULL THEN 0 ELSE max(500000,
                  CAST(coalesce(NEW.ran_seconds, NEW.claimed_at - OLD.claimed_at) * 1e6 AS INTEGER)) END AS cost))
    WHERE priority = NEW.priority AND owner = NEW.owner;
    UPDATE lanes
    SET start = start + CAST((cost - charged) / share AS INTEGER),
        price = CASE cost WHEN 0 THEN price ELSE price + (cost - price) / 4 END
    FROM (SELECT cost, coalesce(CAST(round(OLD.ran_seconds * 1e6) AS INTEGER), cost) AS charged FROM (
              SELECT CASE WHEN NEW.claimed_at IS NULL THEN 0 ELSE max(500000,
                  CAST(coalesce(NEW.ran_seconds, NEW.claimed_at - OLD.claimed_at) * 1e6 AS INTEGER)) END AS cost))
    WHERE priority = NEW.priority;
    UPDATE owners SET running = running - 1 WHERE owner = NEW.owner;
    -- Another price moves whoever waits behind others' prompts.
    UPDATE counters SET moves = moves + 1
    FROM (SELECT waiting FROM turns WHERE priority = NEW.priority AND owner = NEW.owner) AS turn
    WHERE status = 'queued' AND counters.priority = NEW.priority AND waiting > 0 AND prompts > waiting;
END;
CREATE TRIGGER turn_ended_for_good AFTER DELETE ON prompts WHEN OLD.status = 'processing' BEGIN
    UPDATE owners SET running = running - 1 WHERE owner = OLD.owner;
END;
