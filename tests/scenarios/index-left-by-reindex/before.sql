CREATE TABLE t (id bigint, at timestamptz NOT NULL, v int) PARTITION BY RANGE (at);
CREATE TABLE t_mar PARTITION OF t FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE t_apr PARTITION OF t FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE INDEX t_v_idx ON t (v);
-- What REINDEX CONCURRENTLY leaves that was interrupted before and after it swapped the two.
CREATE INDEX t_mar_v_idx_ccnew ON t_mar (v);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't_mar_v_idx_ccnew'::regclass;
CREATE INDEX t_mar_v_idx_ccold1 ON t_mar (v);
UPDATE pg_index SET indisvalid = false, indisready = false WHERE indexrelid = 't_mar_v_idx_ccold1'::regclass;
-- A valid one is taken for a leftover by its name, and one of another name for nothing.
CREATE INDEX t_apr_v_idx_ccnew ON t_apr (v);
CREATE INDEX t_apr_v_twice ON t_apr (v);
-- Invalid ones that nobody wants.
CREATE INDEX other ON t_mar (id);
CREATE INDEX other_too ON t_apr (id, v);
UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ('other'::regclass, 'other_too'::regclass);
CREATE INDEX t_whole_idx ON ONLY t (v, id);
