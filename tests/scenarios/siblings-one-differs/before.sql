-- What the oldest of them lacks, or has otherwise, is nothing that all have.
CREATE TABLE reading (id int, at timestamptz NOT NULL, v int) PARTITION BY RANGE (at);
DO $$ DECLARE d date; n text; BEGIN
  FOR d IN SELECT generate_series('2026-11-30'::date, '2026-12-02', '1 day')::date LOOP
    n := 'reading_' || to_char(d, 'YYYYMMDD');
    EXECUTE format('CREATE TABLE %I PARTITION OF reading FOR VALUES FROM (%L) TO (%L) WITH (fillfactor = %s)', n,
                   d::timestamp AT TIME ZONE 'UTC', (d + 1)::timestamp AT TIME ZONE 'UTC', 60 + extract(day FROM d));
    EXECUTE format('ALTER TABLE %I ADD CONSTRAINT positive CHECK (v > %s)', n, extract(day FROM d));
    IF d > '2026-11-30' THEN
      EXECUTE format('CREATE UNIQUE INDEX ON %I (id)', n);
    END IF;
  END LOOP; END $$;
