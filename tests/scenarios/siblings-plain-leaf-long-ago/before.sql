-- Days were divided by tenant once; the newest seven are plain, and so is the next.
CREATE TABLE usage (tenant text NOT NULL, at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE usage_20261124 PARTITION OF usage FOR VALUES FROM ('2026-11-24Z') TO ('2026-11-25Z') PARTITION BY LIST (tenant);
DO $$ DECLARE d date; BEGIN
  FOR d IN SELECT generate_series('2026-11-25'::date, '2026-12-01', '1 day')::date LOOP
    EXECUTE format('CREATE TABLE %I PARTITION OF usage FOR VALUES FROM (%L) TO (%L)', 'usage_' || to_char(d, 'YYYYMMDD'),
                   d::timestamp AT TIME ZONE 'UTC', (d + 1)::timestamp AT TIME ZONE 'UTC');
  END LOOP; END $$;
