CREATE ROLE scenario_rls_owner;
CREATE ROLE "Scenario RLS reader";
CREATE ROLE scenario_rls_auditor;
