-- The applier has no right of its own here, and one partition belongs to somebody else.
CREATE SCHEMA app AUTHORIZATION scenario_member_owner;
GRANT USAGE ON SCHEMA app TO scenario_member_other;
SET ROLE scenario_member_owner;
CREATE TABLE app.events (at timestamptz NOT NULL, body text) PARTITION BY RANGE (at);
CREATE TABLE app.events_dec PARTITION OF app.events FOR VALUES FROM ('2025-12-01 00:00+00') TO ('2026-01-01 00:00+00');
CREATE TABLE app.events_jan PARTITION OF app.events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE app.events_feb PARTITION OF app.events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-03-01 00:00+00');
CREATE TABLE app.events_mar PARTITION OF app.events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
INSERT INTO app.events VALUES ('2025-12-05 00:00+00'), ('2026-01-05 00:00+00'), ('2026-03-05 00:00+00');
RESET ROLE;
ALTER TABLE app.events_jan OWNER TO scenario_member_other;
