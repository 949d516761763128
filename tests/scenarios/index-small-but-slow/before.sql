-- Small partitions are built plainly where that is quick by method and columns, whatever the rows are.
CREATE TABLE t (at timestamptz NOT NULL, v int, w text, tags int[]) PARTITION BY RANGE (at);
CREATE TABLE t_mar PARTITION OF t FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-05-01 00:00+00');
