-- January's rows reference each other; December is referenced by February, which leaves too; November by nothing.
CREATE TABLE nodes (id integer, at timestamptz, up integer, up_at timestamptz, PRIMARY KEY (id, at),
  FOREIGN KEY (up, up_at) REFERENCES nodes) PARTITION BY RANGE (at);
CREATE TABLE nodes_nov PARTITION OF nodes FOR VALUES FROM ('2025-11-01 00:00+00') TO ('2025-12-01 00:00+00');
CREATE TABLE nodes_dec PARTITION OF nodes FOR VALUES FROM ('2025-12-01 00:00+00') TO ('2026-01-01 00:00+00');
CREATE TABLE nodes_jan PARTITION OF nodes FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE nodes_feb PARTITION OF nodes FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-02-10 00:00+00');
CREATE TABLE nodes_mar PARTITION OF nodes FOR VALUES FROM ('2026-02-10 00:00+00') TO ('2026-05-01 00:00+00');
INSERT INTO nodes VALUES (1, '2025-11-05 00:00+00'), (1, '2025-12-05 00:00+00'), (1, '2026-01-05 00:00+00'), (2, '2026-03-05 00:00+00');
INSERT INTO nodes VALUES (2, '2026-02-05 00:00+00', 1, '2025-12-05 00:00+00'), (3, '2026-01-06 00:00+00', 1, '2026-01-05 00:00+00');
