CREATE SCHEMA app AUTHORIZATION scenario_rls_owner;
SET ROLE scenario_rls_owner;
CREATE TABLE app.tenants (id integer PRIMARY KEY);
CREATE TABLE app.secrets (tenant integer, at timestamptz NOT NULL, body text) PARTITION BY RANGE (at);
CREATE TABLE app.secrets_mar PARTITION OF app.secrets FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
ALTER TABLE app.secrets ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.secrets FORCE ROW LEVEL SECURITY;
CREATE POLICY everyone ON app.secrets USING (tenant = current_setting('app.tenant')::integer);
CREATE POLICY "Own Rows" ON app.secrets AS RESTRICTIVE FOR SELECT TO "Scenario RLS reader", scenario_rls_auditor
  USING (tenant IN (SELECT id FROM app.tenants) AND body <> 'it''s');
CREATE POLICY writes ON app.secrets FOR INSERT TO scenario_rls_auditor WITH CHECK (secrets.body IS NOT NULL);
CREATE POLICY correlated ON app.secrets AS RESTRICTIVE
  USING (EXISTS (SELECT FROM app.tenants t WHERE t.id = secrets.tenant AND secrets.body <> 'secrets.tenant') OR secrets IS NULL)
  WITH CHECK (tenant = (SELECT max(id) FROM app.tenants WHERE id <> secrets.tenant AND secrets.* IS NOT NULL));
CREATE POLICY changes ON app.secrets FOR UPDATE TO scenario_rls_auditor USING (true) WITH CHECK (at < '2030-01-01 00:00+00');
