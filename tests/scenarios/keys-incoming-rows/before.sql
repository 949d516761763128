-- A row of December is referenced: it stays, and January leaves.
CREATE TABLE orders (id integer, at timestamptz, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE orders_dec PARTITION OF orders FOR VALUES FROM ('2025-12-01 00:00+00') TO ('2026-01-01 00:00+00');
CREATE TABLE orders_jan PARTITION OF orders FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE orders_mar PARTITION OF orders FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE lines (order_id integer, order_at timestamptz, CONSTRAINT of_order FOREIGN KEY (order_id, order_at) REFERENCES orders);
INSERT INTO orders VALUES (1, '2025-12-05 00:00+00'), (2, '2026-01-05 00:00+00'), (3, '2026-03-05 00:00+00');
INSERT INTO lines VALUES (1, '2025-12-05 00:00+00');
