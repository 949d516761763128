CREATE SCHEMA app;
CREATE TABLE app.tenants (id int);
CREATE TABLE app.events (gone int, tenant int, at timestamptz NOT NULL, body text) PARTITION BY RANGE (at);
ALTER TABLE app.events DROP COLUMN gone;
GRANT SELECT ON app.events TO scenario_rows_reader;
CREATE POLICY own ON app.events USING (tenant = current_setting('app.tenant')::int);
CREATE POLICY whole ON app.events AS RESTRICTIVE FOR SELECT TO scenario_rows_reader, PUBLIC USING (events IS NOT NULL AND EXISTS (SELECT FROM app.tenants t WHERE t.id = events.tenant));
CREATE POLICY writes ON app.events FOR INSERT WITH CHECK (body <> 'x' AND tenant > 0);
ALTER TABLE app.events ENABLE ROW LEVEL SECURITY;
-- None of it.
CREATE TABLE app.events_dec PARTITION OF app.events FOR VALUES FROM ('2025-12-01 00:00+00') TO ('2026-01-01 00:00+00');
CREATE TABLE app.events_jan PARTITION OF app.events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE app.events_feb PARTITION OF app.events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-03-01 00:00+00');
CREATE TABLE app.events_mar PARTITION OF app.events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE app.events_apr PARTITION OF app.events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
-- All of it, spelled otherwise; columns have other numbers than the parent's.
CREATE POLICY own ON app.events_jan USING (tenant   =   current_setting('app.tenant')::integer);
CREATE POLICY whole ON app.events_jan AS RESTRICTIVE FOR SELECT TO scenario_rows_reader, PUBLIC USING (events_jan IS NOT NULL AND EXISTS (SELECT FROM app.tenants t WHERE t.id = events_jan.tenant));
CREATE POLICY writes ON app.events_jan FOR INSERT WITH CHECK (body <> 'x' AND tenant > 0);
-- The same text on stored columns that are others: body where tenant is on the parent.
CREATE POLICY own ON app.events_feb USING (tenant <> current_setting('app.tenant')::int);
-- For others.
CREATE POLICY writes ON app.events_mar FOR INSERT TO scenario_rows_reader WITH CHECK (body <> 'x' AND tenant > 0);
-- More.
CREATE POLICY mine ON app.events_apr USING (true);
ALTER TABLE app.events_apr FORCE ROW LEVEL SECURITY;
