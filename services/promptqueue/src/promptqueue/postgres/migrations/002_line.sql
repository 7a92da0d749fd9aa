-- How the line moves: whose turn it is, and what a claim and the end of an attempt are charged. Functions, since each
-- looks anew at what others have committed once it has the book: one statement would look once.

-- Take the book, and along with it what others left in `charges`; false where somebody else has it. It is held until
-- the commit, so that of two who write into `turns` and `lanes` none waits for the other. 1886483815 is 'pque' + 2.
CREATE FUNCTION line_book() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    entry record;
BEGIN
    IF NOT pg_try_advisory_xact_lock(1886483815, 1) THEN
        RETURN false;
    END IF;
    FOR entry IN
        WITH taken AS (DELETE FROM charges RETURNING *) SELECT * FROM taken ORDER BY number
    LOOP
        PERFORM line_turn(entry.lane, entry.owner, entry.joined, entry.charged, entry.cost);
    END LOOP;
    RETURN true;
END $$;

-- Write into the book, which is held. With `joined` an owner came to wait, with `cost` an attempt ended that was
-- `charged` so much, else a prompt was claimed.
CREATE FUNCTION line_turn(of_lane smallint, of_owner integer, joined bigint, charged bigint, cost bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    heavy double precision;
    began bigint;
    taken lanes%ROWTYPE;
BEGIN
    IF joined IS NOT NULL THEN
        UPDATE turns SET start = greatest(start, (SELECT now FROM lanes WHERE lane = of_lane)), since = joined
        WHERE lane = of_lane AND owner = of_owner;
        IF NOT FOUND THEN
            INSERT INTO turns (lane, owner, start, since)
            VALUES (of_lane, of_owner, (SELECT now FROM lanes WHERE lane = of_lane), joined);
        END IF;
        RETURN;
    END IF;
    SELECT turns.start, coalesce(weight, 1) INTO began, heavy
    FROM turns LEFT JOIN owners ON owners.owner = turns.owner
    WHERE turns.lane = of_lane AND turns.owner = of_owner;
    IF NOT FOUND THEN  -- it was left out: the next entry is its first
        INSERT INTO turns (lane, owner) VALUES (of_lane, of_owner);
        began := 0;
        heavy := coalesce((SELECT weight FROM owners WHERE owner = of_owner), 1);
    END IF;
    IF cost IS NULL THEN
        -- A lane in which nobody waits saves nothing up for later.
        UPDATE lanes SET start = other.start
        FROM (SELECT start FROM lanes WHERE lane = of_lane) AS other
        WHERE lane <> of_lane AND lanes.start < other.start
          AND NOT EXISTS (SELECT FROM line WHERE status = 'queued' AND line.lane = lanes.lane OFFSET 0);
        UPDATE lanes SET now = greatest(now, began), start = start + trunc(charged / share)::bigint
        WHERE lane = of_lane RETURNING * INTO taken;
        -- At least a microsecond, or a heavy owner's turn would never be over.
        UPDATE turns SET start = greatest(start, taken.now) + greatest(1, trunc(charged / heavy)::bigint)
        WHERE lane = of_lane AND owner = of_owner;
    ELSE
        UPDATE lanes
        SET start = start + trunc((cost - charged) / share)::bigint,
            price = CASE cost WHEN 0 THEN price ELSE price + (cost - price) / 4 END
        WHERE lane = of_lane RETURNING * INTO taken;
        -- Nobody gets so much back that he comes before a newcomer twice.
        UPDATE turns
        SET start = greatest(start + trunc((cost - charged) / heavy)::bigint,
                             least(start, taken.now + trunc(500000 / heavy)::bigint)),
            price = CASE cost WHEN 0 THEN price ELSE price + (cost - price) / 4 END
        WHERE lane = of_lane AND owner = of_owner;
    END IF;
END $$;

-- Write into the book, or leave it to whoever has it.
CREATE FUNCTION line_charge(of_lane smallint, of_owner integer, joined bigint, charged bigint, cost bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF line_book() THEN
        PERFORM line_turn(of_lane, of_owner, joined, charged, cost);
    ELSE
        INSERT INTO charges (lane, owner, joined, charged, cost) VALUES (of_lane, of_owner, joined, charged, cost);
    END IF;
END $$;

-- An attempt has ended. Another price moves whoever waits behind others' prompts.
CREATE FUNCTION line_end(of_lane smallint, of_owner integer, charged bigint, cost bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM line_charge(of_lane, of_owner, NULL, charged, cost);
    IF EXISTS (SELECT FROM line WHERE status = 'queued' AND lane = of_lane AND owner = of_owner)
       AND (EXISTS (SELECT FROM line WHERE status = 'queued' AND lane = of_lane AND owner < of_owner)
            OR EXISTS (SELECT FROM line WHERE status = 'queued' AND lane = of_lane AND owner > of_owner)) THEN
        INSERT INTO tally (lane, owner, moves) VALUES (of_lane, of_owner, 1);
    END IF;
END $$;

-- Hand out the next prompt. Of each lane, the one whose turn it is first, its owners in their turns; of the owner the
-- first that may start and that nobody else is just claiming.
CREATE FUNCTION line_claim(
    by_worker text, for_server text, lease double precision, longest double precision, most_failures integer,
    most_running bigint, by_ticket text
) RETURNS TABLE (
    seq bigint, id uuid, owner integer, lane smallint, created_at double precision, queued_at double precision,
    expires_at double precision, timeout_seconds double precision, metadata text, request text, status text,
    attempt integer, failures integer, tokens bigint, started_at double precision, last_error text, bad_ends integer,
    bad_since double precision, bad_at double precision, leased_until double precision, run_until double precision,
    server text, now double precision, wall double precision
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    wall_now double precision := wall();
    time_now double precision := lease_time();
    has_book boolean;
    of_lane smallint;
    chosen bigint;
    of_owner integer;
    price bigint;
    most bigint;
    passed_over integer[] := '{}';  -- owners who have as much running as they may
    taken record;  -- not line%ROWTYPE: that is a type of the server itself, for geometry
BEGIN
    IF (SELECT paused FROM control) THEN
        RETURN;
    END IF;
    has_book := line_book();
    FOR of_lane IN
        SELECT lanes.lane FROM lanes
        WHERE EXISTS (SELECT FROM line WHERE line.status = 'queued' AND line.lane = lanes.lane OFFSET 0)
        ORDER BY lanes.start + trunc(lanes.price / lanes.share)::bigint, lanes.lane
    LOOP
        LOOP
            SELECT first.seq, turn.owner, turn.price, turn.most INTO chosen, of_owner, price, most
            FROM (
                WITH RECURSIVE waits (owner) AS (
                    (SELECT line.owner FROM line WHERE line.status = 'queued' AND line.lane = of_lane
                     ORDER BY line.owner LIMIT 1)
                    UNION ALL
                    SELECT (SELECT line.owner FROM line
                            WHERE line.status = 'queued' AND line.lane = of_lane AND line.owner > waits.owner
                            ORDER BY line.owner LIMIT 1)
                    FROM waits WHERE waits.owner IS NOT NULL
                )
                SELECT waits.owner, coalesce(turns.start, 0) AS start, coalesce(turns.since, 0) AS since,
                       coalesce(turns.price, 2000000) AS price,
                       coalesce(owners.max_running, CASE WHEN waits.owner > 1 THEN most_running END) AS most
                FROM waits LEFT JOIN turns ON turns.lane = of_lane AND turns.owner = waits.owner
                LEFT JOIN owners ON owners.owner = waits.owner
                WHERE waits.owner IS NOT NULL AND waits.owner <> ALL (passed_over)
                ORDER BY start, since, waits.owner
            ) AS turn
            CROSS JOIN LATERAL (
                SELECT line.seq FROM line
                WHERE line.status = 'queued' AND line.lane = of_lane AND line.owner = turn.owner
                  AND (turn.most IS NULL OR turn.most > (
                      SELECT count(*) FROM line AS running
                      WHERE running.status = 'processing' AND running.owner = turn.owner))
                  AND (line.not_before IS NULL OR line.not_before <= time_now)
                  AND (line.expires_at IS NULL OR line.expires_at > wall_now)
                ORDER BY line.seq LIMIT 1 FOR UPDATE SKIP LOCKED
            ) AS first
            LIMIT 1;
            EXIT WHEN most IS NULL;  -- without a limit, or nobody may start
            -- Of an owner with a limit one is claimed at a time, so that what is counted stays true until the commit.
            -- Whoever comes meanwhile does not wait. 1886483817 is 'pque' + 4.
            EXIT WHEN pg_try_advisory_xact_lock(1886483817, of_owner) AND most > (
                SELECT count(*) FROM line WHERE line.status = 'processing' AND line.owner = of_owner);
            passed_over := passed_over || of_owner;
        END LOOP;
        EXIT WHEN chosen IS NOT NULL;
    END LOOP;
    IF chosen IS NULL THEN
        RETURN;
    END IF;
    UPDATE line
    SET status = 'processing', attempt = line.attempt + 1, tokens = 0, started_at = wall_now, worker = by_worker,
        claimed_at = time_now, leased_until = time_now + lease, lease_seconds = lease,
        run_until = time_now + least(coalesce(line.timeout_seconds, longest), longest), charged = price,
        max_failures = most_failures, not_before = NULL, server = nullif(for_server, ''), ticket = by_ticket
    WHERE line.seq = chosen RETURNING * INTO taken;
    INSERT INTO tally (lane, owner, block, prompts, moves) VALUES (taken.lane, taken.owner, taken.seq / 256, -1, 1);
    IF has_book THEN
        PERFORM line_turn(taken.lane, taken.owner, NULL, taken.charged, NULL);
    ELSE
        INSERT INTO charges (lane, owner, charged) VALUES (taken.lane, taken.owner, taken.charged);
    END IF;
    RETURN QUERY
        SELECT prompts.seq, prompts.id, prompts.owner, prompts.lane, prompts.created_at, prompts.queued_at,
               prompts.expires_at, prompts.timeout_seconds, prompts.metadata, prompts.request, taken.status,
               taken.attempt, taken.failures, taken.tokens, taken.started_at, taken.last_error, taken.bad_ends,
               taken.bad_since, taken.bad_at, taken.leased_until, taken.run_until, taken.server, time_now, wall_now
        FROM prompts WHERE prompts.seq = taken.seq;
END $$;

-- Find Idempotency-Keys, and whether their prompts are there, once nobody else is about to accept any with them. Whoever
-- locks many does so in one order, and whoever holds others already does not wait, but is given a row of nothing: two
-- could wait for each other for ever.
-- 1886483816 is 'pque' + 3, and 4 of 'pque' + 2 the lock of who comes close to a limit.
CREATE FUNCTION known_keys(wanted text[]) RETURNS TABLE (
    key text, fingerprint text, prompt_id uuid, age double precision, is_there boolean
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    hashes integer[] := ARRAY(SELECT DISTINCT hashtext(one) AS hash FROM unnest(wanted) AS one ORDER BY hash);
    hash integer;
BEGIN
    FOREACH hash IN ARRAY hashes LOOP
        CONTINUE WHEN pg_try_advisory_xact_lock(1886483816, hash);
        IF EXISTS (
            SELECT FROM pg_locks
            WHERE pid = pg_backend_pid() AND locktype = 'advisory' AND granted
              AND (classid = 1886483816 AND objid::bigint <> ALL (
                       SELECT each::bigint & 4294967295 FROM unnest(hashes) AS each)
                   OR (classid = 1886483815 AND objid = 4))
        ) THEN
            RETURN NEXT;
            RETURN;
        END IF;
        PERFORM pg_advisory_xact_lock(1886483816, hash);
    END LOOP;
    RETURN QUERY
        SELECT known.key, known.fingerprint, known.prompt_id, wall() - known.created_at, prompts.id IS NOT NULL
        FROM idempotency_keys AS known LEFT JOIN prompts ON prompts.id = known.prompt_id
        WHERE known.key = ANY(wanted);
END $$;
