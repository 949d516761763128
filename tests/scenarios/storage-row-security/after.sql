CREATE POLICY own ON app.events_dec USING (tenant = current_setting('app.tenant')::int);
CREATE POLICY whole ON app.events_dec AS RESTRICTIVE FOR SELECT TO scenario_rows_reader, PUBLIC USING (events_dec IS NOT NULL AND EXISTS (SELECT FROM app.tenants t WHERE t.id = events_dec.tenant));
CREATE POLICY writes ON app.events_dec FOR INSERT WITH CHECK (body <> 'x' AND tenant > 0);
ALTER TABLE app.events_dec ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.events_jan ENABLE ROW LEVEL SECURITY;
CREATE POLICY whole ON app.events_feb AS RESTRICTIVE FOR SELECT TO scenario_rows_reader, PUBLIC USING (events_feb IS NOT NULL AND EXISTS (SELECT FROM app.tenants t WHERE t.id = events_feb.tenant));
CREATE POLICY writes ON app.events_feb FOR INSERT WITH CHECK (body <> 'x' AND tenant > 0);
ALTER TABLE app.events_feb ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app.events_mar USING (tenant = current_setting('app.tenant')::int);
CREATE POLICY whole ON app.events_mar AS RESTRICTIVE FOR SELECT TO scenario_rows_reader, PUBLIC USING (events_mar IS NOT NULL AND EXISTS (SELECT FROM app.tenants t WHERE t.id = events_mar.tenant));
ALTER TABLE app.events_mar ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app.events_apr USING (tenant = current_setting('app.tenant')::int);
CREATE POLICY whole ON app.events_apr AS RESTRICTIVE FOR SELECT TO scenario_rows_reader, PUBLIC USING (events_apr IS NOT NULL AND EXISTS (SELECT FROM app.tenants t WHERE t.id = events_apr.tenant));
CREATE POLICY writes ON app.events_apr FOR INSERT WITH CHECK (body <> 'x' AND tenant > 0);
ALTER TABLE app.events_apr ENABLE ROW LEVEL SECURITY;
-- No grant goes around a policy that is not the parent's.
GRANT SELECT ON app.events_dec, app.events_jan TO scenario_rows_reader;
