-- Nine days; the newest seven are compared. A foreign key, a statistics object and a rule of each are no other's.
CREATE TABLE person (id int PRIMARY KEY);
CREATE TABLE reading (id int, at timestamptz NOT NULL, v int) PARTITION BY RANGE (at);
DO $$ DECLARE d date; n text; BEGIN
  FOR d IN SELECT generate_series('2026-11-24'::date, '2026-12-02', '1 day')::date LOOP
    n := 'reading_' || to_char(d, 'YYYYMMDD');
    EXECUTE format('CREATE TABLE %I PARTITION OF reading FOR VALUES FROM (%L) TO (%L)', n, d::timestamp AT TIME ZONE 'UTC', (d + 1)::timestamp AT TIME ZONE 'UTC');
    CONTINUE WHEN d < '2026-11-26';
    EXECUTE format('ALTER TABLE %I ADD FOREIGN KEY (id) REFERENCES person', n);
    EXECUTE format('CREATE STATISTICS %I ON id, v FROM %I', n || '_stat', n);
    EXECUTE format('CREATE RULE quiet AS ON DELETE TO %I DO INSTEAD NOTHING', n);
    EXECUTE format('ALTER TABLE %I ADD PRIMARY KEY (id)', n);
  END LOOP; END $$;
