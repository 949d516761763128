CREATE SCHEMA audit;
CREATE TABLE audit.audit_log (
  id bigint GENERATED ALWAYS AS IDENTITY,
  occurred_at timestamptz NOT NULL,
  action text NOT NULL DEFAULT 'none' CHECK (action <> ''),
  details jsonb,
  PRIMARY KEY (id, occurred_at)
) PARTITION BY RANGE (occurred_at);
CREATE INDEX audit_log_action_idx ON audit.audit_log (action, occurred_at DESC);
