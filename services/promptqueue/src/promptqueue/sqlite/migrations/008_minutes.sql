-- What the queue did in each of the last minutes: some hours of it. The triggers of `counters` know how much there is,
-- not when it came, and a clock that was set must move no prompt's end to another minute or hide it: hence `began`.

CREATE TABLE minutes (
    boot TEXT NOT NULL,  -- '' where nothing but the wall clock is known
    began INTEGER NOT NULL,  -- when the minute began, in seconds of that boot by the clock that nobody sets
    minute INTEGER NOT NULL,  -- the same by the wall clock of then: what is known of it after another boot
    completed INTEGER NOT NULL DEFAULT 0,  -- with an answer
    failed INTEGER NOT NULL DEFAULT 0,
    tokens INTEGER NOT NULL DEFAULT 0,  -- of all prompts that ended
    -- How the line stood when somebody first looked in this minute; null where nobody did, or it stood still.
    moves INTEGER,
    queued INTEGER,
    oldest_wait_seconds REAL,
    rested INTEGER,  -- `moves` when a prompt ended last, if nobody waited then: until it changes nobody does
    PRIMARY KEY (boot, began)
) STRICT, WITHOUT ROWID;

-- The last hour is known from the prompts themselves, but for those that were deleted.
INSERT INTO minutes (boot, began, minute, completed, failed, tokens)
SELECT '', 60 * CAST(completed_at / 60 AS INTEGER), 60 * CAST(completed_at / 60 AS INTEGER),
       sum(outcome = 'succeeded'), sum(outcome = 'failed'), coalesce(sum(tokens), 0)
FROM prompts
WHERE status = 'completed'
  AND completed_at > (SELECT max(completed_at) FROM prompts WHERE status = 'completed') - 3600
GROUP BY CAST(completed_at / 60 AS INTEGER);
