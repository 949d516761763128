-- Rows cannot be marked visible to all before their commit is flushed, nor before those of the 31 transactions beside it
-- are: this one waits, and takes the numbers of the others.
SET synchronous_commit = on;
CREATE TABLE events (id bigint NOT NULL, at timestamptz NOT NULL, payload text) PARTITION BY RANGE (at);
CREATE TABLE events_p20260101 PARTITION OF events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE events_p20260201 PARTITION OF events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-03-01 00:00+00');
CREATE TABLE events_p20260301 PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE events_p20260401 PARTITION OF events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
INSERT INTO events SELECT i, '2026-01-02 00:00+00', repeat('x', 100) FROM generate_series(1, 1000) i;
INSERT INTO events SELECT i, '2026-03-02 00:00+00', 'x' FROM generate_series(1, 1000) i;
-- Analyzed and never vacuumed: its pages are known, and none is visible to all.
ANALYZE events_p20260101;
CREATE TEMP TABLE numbers (n int);
DO $$ BEGIN FOR n IN 1 .. 32 LOOP BEGIN INSERT INTO numbers VALUES (n); EXCEPTION WHEN OTHERS THEN RAISE; END; END LOOP; END $$;
