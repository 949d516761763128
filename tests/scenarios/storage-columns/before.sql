CREATE SCHEMA app;
CREATE TABLE app.events (gone int, at timestamptz NOT NULL, body text, blob bytea, tags text[]) PARTITION BY RANGE (at);
CREATE TABLE app.events_feb PARTITION OF app.events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-03-01 00:00+00');
CREATE TABLE app.events_mar PARTITION OF app.events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE app.events_apr PARTITION OF app.events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
ALTER TABLE app.events ALTER COLUMN body SET STATISTICS 500, ALTER COLUMN tags SET STATISTICS 0;
ALTER TABLE app.events ALTER COLUMN body SET STORAGE EXTERNAL, ALTER COLUMN blob SET COMPRESSION pglz;
-- From the first on the parent says so, and its partitions are asked.
ALTER TABLE app.events_feb ALTER COLUMN body SET STORAGE EXTENDED, ALTER COLUMN blob SET COMPRESSION default;
ALTER TABLE app.events_mar ALTER COLUMN body SET STORAGE MAIN, ALTER COLUMN body SET STATISTICS 7, ALTER COLUMN blob SET COMPRESSION default;
-- Columns of this one have other numbers.
DROP TABLE app.events_apr;
CREATE TABLE app.events_apr (tags text[], blob bytea, body text, at timestamptz NOT NULL, gone int);
ALTER TABLE app.events ATTACH PARTITION app.events_apr FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
