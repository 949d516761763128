SET ROLE scenario_rls_owner;
CREATE TABLE app.secrets_p20260401 PARTITION OF app.secrets FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
ALTER TABLE app.secrets_p20260401 ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.secrets_p20260401 FORCE ROW LEVEL SECURITY;
CREATE POLICY everyone ON app.secrets_p20260401 USING (tenant = current_setting('app.tenant')::integer);
CREATE POLICY "Own Rows" ON app.secrets_p20260401 AS RESTRICTIVE FOR SELECT TO "Scenario RLS reader", scenario_rls_auditor
  USING (tenant IN (SELECT id FROM app.tenants) AND body <> 'it''s');
CREATE POLICY writes ON app.secrets_p20260401 FOR INSERT TO scenario_rls_auditor WITH CHECK (body IS NOT NULL);
CREATE POLICY correlated ON app.secrets_p20260401 AS RESTRICTIVE
  USING (EXISTS (SELECT FROM app.tenants t WHERE t.id = secrets_p20260401.tenant AND secrets_p20260401.body <> 'secrets.tenant') OR secrets_p20260401 IS NULL)
  WITH CHECK (tenant = (SELECT max(id) FROM app.tenants WHERE id <> secrets_p20260401.tenant AND secrets_p20260401.* IS NOT NULL));
CREATE POLICY changes ON app.secrets_p20260401 FOR UPDATE TO scenario_rls_auditor USING (true) WITH CHECK (at < '2030-01-01 00:00+00');
-- So does the one that was there.
ALTER TABLE app.secrets_mar ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.secrets_mar FORCE ROW LEVEL SECURITY;
CREATE POLICY everyone ON app.secrets_mar USING (tenant = current_setting('app.tenant')::integer);
CREATE POLICY "Own Rows" ON app.secrets_mar AS RESTRICTIVE FOR SELECT TO "Scenario RLS reader", scenario_rls_auditor
  USING (tenant IN (SELECT id FROM app.tenants) AND body <> 'it''s');
CREATE POLICY writes ON app.secrets_mar FOR INSERT TO scenario_rls_auditor WITH CHECK (body IS NOT NULL);
CREATE POLICY correlated ON app.secrets_mar AS RESTRICTIVE
  USING (EXISTS (SELECT FROM app.tenants t WHERE t.id = secrets_mar.tenant AND secrets_mar.body <> 'secrets.tenant') OR secrets_mar IS NULL)
  WITH CHECK (tenant = (SELECT max(id) FROM app.tenants WHERE id <> secrets_mar.tenant AND secrets_mar.* IS NOT NULL));
CREATE POLICY changes ON app.secrets_mar FOR UPDATE TO scenario_rls_auditor USING (true) WITH CHECK (at < '2030-01-01 00:00+00');
