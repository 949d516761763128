CREATE UNLOGGED TABLE reading_20261202 (LIKE reading INCLUDING ALL) WITH (fillfactor=80, autovacuum_vacuum_scale_factor=0.01);
CREATE UNLOGGED TABLE reading_20261203 (LIKE reading INCLUDING ALL) WITH (fillfactor=80, autovacuum_vacuum_scale_factor=0.01);
CREATE UNLOGGED TABLE reading_default (LIKE reading INCLUDING ALL) WITH (fillfactor=80, autovacuum_vacuum_scale_factor=0.01);
DO $$ DECLARE n text; BEGIN
  FOREACH n IN ARRAY ARRAY['reading_20261202', 'reading_20261203', 'reading_default'] LOOP
    EXECUTE format('CREATE TRIGGER t BEFORE INSERT ON %I FOR EACH ROW EXECUTE FUNCTION note()', n);
    EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OF v ON %I FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION note(%L)', n || '_u', n, 'it''s');
    EXECUTE format('ALTER TABLE %I DISABLE TRIGGER %I', n, n || '_u');
    EXECUTE format('ALTER TABLE %I ADD CHECK (v > 0)', n);
    EXECUTE format('ALTER TABLE %I ADD CONSTRAINT short CHECK (length(note) < 9)', n);
  END LOOP; END $$;
ALTER TABLE reading ATTACH PARTITION reading_20261202 FOR VALUES FROM ('2026-12-02Z') TO ('2026-12-03Z');
ALTER TABLE reading ATTACH PARTITION reading_20261203 FOR VALUES FROM ('2026-12-03Z') TO ('2026-12-04Z');
ALTER TABLE reading ATTACH PARTITION reading_default DEFAULT;
