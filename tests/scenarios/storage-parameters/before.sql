CREATE TABLE events (at timestamptz NOT NULL, body text) PARTITION BY RANGE (at);
CREATE TABLE events_jan PARTITION OF events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE events_feb PARTITION OF events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-03-01 00:00+00');
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE events_apr PARTITION OF events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE TABLE events_rest PARTITION OF events DEFAULT;
-- Said otherwise, and the same to the server.
ALTER TABLE events_jan SET (fillfactor = '0x46', autovacuum_vacuum_scale_factor = 2e-2, autovacuum_enabled = off,
  toast.autovacuum_enabled = f, vacuum_index_cleanup = 'TRUE', toast.vacuum_truncate = no);
-- More than the policy says.
ALTER TABLE events_feb SET (fillfactor = 90, autovacuum_enabled, parallel_workers = 3, toast.autovacuum_vacuum_threshold = 7);
-- Without a TOAST table.
CREATE TABLE slim (at timestamptz NOT NULL, n bigint) PARTITION BY RANGE (at);
CREATE TABLE slim_mar PARTITION OF slim FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE slim_apr PARTITION OF slim FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE TABLE decoded (at timestamptz NOT NULL, body text) PARTITION BY RANGE (at);
CREATE TABLE decoded_mar PARTITION OF decoded FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE decoded_apr PARTITION OF decoded FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
