-- Nothing references the rows of January.
CREATE TABLE orders (id integer, at timestamptz, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE orders_jan PARTITION OF orders FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE orders_mar PARTITION OF orders FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE lines (order_id integer, order_at timestamptz, FOREIGN KEY (order_id, order_at) REFERENCES orders);
INSERT INTO orders VALUES (1, '2026-01-05 00:00+00'), (2, '2026-03-05 00:00+00');
INSERT INTO lines VALUES (2, '2026-03-05 00:00+00');
