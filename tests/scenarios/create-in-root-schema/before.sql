-- Partitions that live in another schema are managed where they are; new ones are made beside the parent.
CREATE SCHEMA app;
CREATE SCHEMA parts;
CREATE TABLE app.events (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE parts.jan PARTITION OF app.events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE parts.mar PARTITION OF app.events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-04-01 00:00+00');
INSERT INTO app.events VALUES ('2026-01-05 00:00+00'), ('2026-03-05 00:00+00');
