CREATE TABLE events (at timestamptz NOT NULL, body text) PARTITION BY RANGE (at);
CREATE TABLE events_rest PARTITION OF events DEFAULT;
ALTER TABLE events_rest ALTER COLUMN body SET STORAGE PLAIN;
INSERT INTO events SELECT '2001-01-01 00:00+00', repeat('x', 8000) FROM generate_series(1, 1200);
