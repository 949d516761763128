CREATE SCHEMA app;
CREATE TABLE app.events (at timestamptz NOT NULL, body text) PARTITION BY RANGE (at);
CREATE TABLE app.events_mar PARTITION OF app.events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE app.events_apr PARTITION OF app.events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
ALTER TABLE app.events SET TABLESPACE scenario_storage_fast;
