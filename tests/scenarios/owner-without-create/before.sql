-- The owner of table and partition may use the schema, and make nothing there: the superuser does, and gives it away.
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO scenario_owc_app;
CREATE TABLE app.events (id bigint, at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE app.events_mar PARTITION OF app.events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
ALTER TABLE app.events OWNER TO scenario_owc_app;
ALTER TABLE app.events_mar OWNER TO scenario_owc_app;
