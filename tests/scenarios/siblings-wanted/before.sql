-- Seven days made by a function of somebody's own, each with what its table cannot have, or has not.
CREATE TABLE reading (id uuid NOT NULL, at timestamptz NOT NULL, v int, note text) PARTITION BY RANGE (at);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end';
DO $$ DECLARE d date; n text; BEGIN
  FOR d IN SELECT generate_series('2026-11-25'::date, '2026-12-01', '1 day')::date LOOP
    n := 'reading_' || to_char(d, 'YYYYMMDD');
    EXECUTE format('CREATE UNLOGGED TABLE %I (LIKE reading INCLUDING ALL) WITH (fillfactor=80, autovacuum_vacuum_scale_factor=0.01)', n);
    EXECUTE format('CREATE UNIQUE INDEX ON %I (id)', n);
    EXECUTE format('CREATE TRIGGER t BEFORE INSERT ON %I FOR EACH ROW EXECUTE FUNCTION note()', n);
    EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OF v ON %I FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION note(%L)', n || '_u', n, 'it''s');
    EXECUTE format('ALTER TABLE %I DISABLE TRIGGER %I', n, n || '_u');
    EXECUTE format('ALTER TABLE %I ADD CHECK (v > 0)', n);
    EXECUTE format('ALTER TABLE %I ADD CONSTRAINT short CHECK (length(note) < 9)', n);
    -- What each has by itself is nothing that all have.
    EXECUTE format('ALTER TABLE %I ADD CONSTRAINT bounds CHECK (at >= %L AND at < %L)', n, d::timestamp AT TIME ZONE 'UTC', (d + 1)::timestamp AT TIME ZONE 'UTC');
    EXECUTE format('ALTER TABLE %I ALTER v SET NOT NULL', n);
    EXECUTE format('ALTER TABLE reading ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', n, d::timestamp AT TIME ZONE 'UTC', (d + 1)::timestamp AT TIME ZONE 'UTC');
  END LOOP; END $$;
