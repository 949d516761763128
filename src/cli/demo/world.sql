-- An audit log as a team has it after some years: partitions made by hand, by year at first, then by month, and nobody
-- has made next month's.
CREATE SCHEMA audit;
CREATE TABLE audit.audit_log (
  id bigint GENERATED ALWAYS AS IDENTITY,
  occurred_at timestamptz NOT NULL,
  actor_id bigint NOT NULL,
  action text NOT NULL,
  status text NOT NULL DEFAULT 'success',
  details jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (id, occurred_at)
) PARTITION BY RANGE (occurred_at);
CREATE INDEX audit_log_occurred_idx ON audit.audit_log (occurred_at);

DO $$
DECLARE
  this_year date := date_trunc('year', now() AT TIME ZONE 'UTC');
  day date;
BEGIN
  FOR n IN 1..9 LOOP
    day := this_year - n * interval '1 year';
    EXECUTE format('CREATE TABLE audit.audit_log_%s PARTITION OF audit.audit_log FOR VALUES FROM (%L) TO (%L)',
      to_char(day, 'YYYY'), day || ' 00:00+00', (day + interval '1 year')::date || ' 00:00+00');
  END LOOP;
  FOR n IN 0..extract(month FROM now() AT TIME ZONE 'UTC')::int - 1 LOOP
    day := this_year + n * interval '1 month';
    EXECUTE format('CREATE TABLE audit.audit_log_%s PARTITION OF audit.audit_log FOR VALUES FROM (%L) TO (%L)',
      to_char(day, 'YYYY_MM'), day || ' 00:00+00', (day + interval '1 month')::date || ' 00:00+00');
  END LOOP;
END $$;

INSERT INTO audit.audit_log (occurred_at, actor_id, action, status, details)
SELECT first + (now() - first) * (n / 1000000.0), n % 5000,
  (ARRAY['login', 'read', 'update', 'export'])[1 + n % 4],
  CASE WHEN n % 50 = 0 THEN 'failure' ELSE 'success' END,
  jsonb_build_object('request', n)
FROM generate_series(1, 1000000) AS n,
  (SELECT (date_trunc('year', now() AT TIME ZONE 'UTC') - interval '9 years') AT TIME ZONE 'UTC' AS first) AS since;
ANALYZE audit.audit_log;
