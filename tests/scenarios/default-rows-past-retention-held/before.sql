-- Rows past retention in a default partition, which a hold line, the table's or a hold of the policy holds; and not.
CREATE FUNCTION pg_temp.make(t text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  EXECUTE format('CREATE TABLE %I (id int, at timestamptz NOT NULL) PARTITION BY RANGE (at)', t);
  EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', t || '_default', t);
  EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', t || '_now', t, '2026-11-29 00:00+00', '2026-12-03 00:00+00');
  EXECUTE format('INSERT INTO %I SELECT g, %L::timestamptz - g * interval %L FROM generate_series(2, 400) g', t, '2026-11-30 00:00+00', '1 day');
END $$;
SELECT pg_temp.make(t) FROM unnest('{by_its_comment,by_policy,by_table,not_held}'::text[]) t;
COMMENT ON TABLE by_its_comment_default IS E'rows of nowhere\npgstrata: hold matter 4713';
COMMENT ON TABLE by_table IS 'pgstrata: hold';
