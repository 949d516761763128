-- A member has its own rights beside the owner's: what it makes on a table is the owner's, but no table is made for one
-- who may have none. What cannot be is blocked with the GRANT, and keeps nothing else.
CREATE SCHEMA app;
CREATE SCHEMA old;
GRANT USAGE ON SCHEMA app TO scenario_owm_app;
GRANT USAGE, CREATE ON SCHEMA app TO scenario_owm_applier;
CREATE TABLE app.events (id bigint, at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE old.events_dec PARTITION OF app.events FOR VALUES FROM ('2025-12-01 00:00+00') TO ('2026-01-01 00:00+00');
CREATE TABLE app.events_jan PARTITION OF app.events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE app.events_mar PARTITION OF app.events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
INSERT INTO app.events VALUES (3, '2026-03-10 00:00+00');
ALTER TABLE app.events OWNER TO scenario_owm_app;
ALTER TABLE app.events_jan OWNER TO scenario_owm_app;
ALTER TABLE app.events_mar OWNER TO scenario_owm_app;
ALTER TABLE old.events_dec OWNER TO scenario_owm_old;
