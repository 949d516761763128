CREATE TABLE t (id bigint, at timestamptz NOT NULL, v int NOT NULL, w int) PARTITION BY RANGE (at);
CREATE TABLE t_mar PARTITION OF t FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE t_apr PARTITION OF t FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE INDEX t_v_idx ON t (v) WITH (fillfactor = 70);
ALTER INDEX t_mar_v_idx SET (fillfactor = 50);
CREATE INDEX t_w_idx ON t (w);
ALTER INDEX t_mar_w_idx SET (fillfactor = 50);
-- Spelled otherwise, and the default: the same.
CREATE INDEX t_at_idx ON t USING brin (at);
ALTER INDEX t_mar_at_idx SET (autosummarize = on);
ALTER INDEX t_apr_at_idx SET (autosummarize = 1);
CREATE INDEX t_id_idx ON t (id) WITH (fillfactor = 90);
-- What the policy does not say goes back to the default.
CREATE INDEX t_idv_idx ON t (id, v);
ALTER INDEX t_mar_id_v_idx SET (fillfactor = 60, deduplicate_items = off);
