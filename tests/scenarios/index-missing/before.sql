CREATE SCHEMA audit;
CREATE TABLE audit.log (dropped int, at timestamptz NOT NULL, actor int, body text, status text, tags jsonb) PARTITION BY RANGE (at);
ALTER TABLE audit.log DROP COLUMN dropped;
CREATE TABLE audit.log_jan PARTITION OF audit.log FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE audit.log_feb PARTITION OF audit.log FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-03-01 00:00+00');
CREATE TABLE audit.log_mar PARTITION OF audit.log FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
INSERT INTO audit.log SELECT '2026-01-02 00:00+00'::timestamptz + n * interval '1 day', n, 'x', 'failed', '{}' FROM generate_series(1, 70) n;
