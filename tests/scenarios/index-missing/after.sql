DROP TABLE audit.log_jan;
CREATE TABLE audit.log_p20260401 PARTITION OF audit.log FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
DO $$ DECLARE leaf text; BEGIN
  CREATE INDEX log_actor_idx ON ONLY audit.log (actor, at DESC) INCLUDE (body);
  CREATE INDEX log_lower_idx ON ONLY audit.log (lower(body)) WHERE status = ANY (ARRAY['failed', 'refused']);
  CREATE INDEX log_tags_idx ON ONLY audit.log USING gin (tags jsonb_path_ops);
  CREATE UNIQUE INDEX log_uniq ON ONLY audit.log (at, actor) WITH (fillfactor = '70');
  FOREACH leaf IN ARRAY ARRAY['log_feb', 'log_mar', 'log_p20260401'] LOOP
    EXECUTE format('CREATE INDEX %I ON audit.%I (actor, at DESC) INCLUDE (body)', leaf || '_actor_idx', leaf);
    EXECUTE format('CREATE INDEX %I ON audit.%I (lower(body)) WHERE status = ANY (ARRAY[''failed'', ''refused''])', leaf || '_lower_idx', leaf);
    EXECUTE format('CREATE INDEX %I ON audit.%I USING gin (tags jsonb_path_ops)', leaf || '_tags_idx', leaf);
    EXECUTE format('CREATE UNIQUE INDEX %I ON audit.%I (at, actor) WITH (fillfactor = ''70'')', leaf || '_uniq', leaf);
    EXECUTE format('ALTER INDEX audit.log_actor_idx ATTACH PARTITION audit.%I', leaf || '_actor_idx');
    EXECUTE format('ALTER INDEX audit.log_lower_idx ATTACH PARTITION audit.%I', leaf || '_lower_idx');
    EXECUTE format('ALTER INDEX audit.log_tags_idx ATTACH PARTITION audit.%I', leaf || '_tags_idx');
    EXECUTE format('ALTER INDEX audit.log_uniq ATTACH PARTITION audit.%I', leaf || '_uniq');
  END LOOP;
END $$;
