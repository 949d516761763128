CREATE TABLE nodes (id integer, at timestamptz, up integer, up_at timestamptz, PRIMARY KEY (id, at),
  FOREIGN KEY (up, up_at) REFERENCES nodes) PARTITION BY RANGE (at);
CREATE TABLE nodes_jan PARTITION OF nodes FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE nodes_mar PARTITION OF nodes FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
INSERT INTO nodes VALUES (1, '2026-01-05 00:00+00'), (2, '2026-03-05 00:00+00');
