-- lines references orders, and both reference towns, as shops does: one lane. Nothing ties the fourth to them.
CREATE TABLE towns (id integer PRIMARY KEY);
CREATE TABLE orders (id integer, at timestamptz, town integer REFERENCES towns, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE lines (id integer, at timestamptz NOT NULL, FOREIGN KEY (id, at) REFERENCES orders) PARTITION BY RANGE (at);
CREATE TABLE shops (at timestamptz NOT NULL, town integer REFERENCES towns) PARTITION BY RANGE (at);
CREATE TABLE alone (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE orders_jan PARTITION OF orders FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE orders_mar PARTITION OF orders FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE lines_jan PARTITION OF lines FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE lines_mar PARTITION OF lines FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
INSERT INTO orders VALUES (1, '2026-01-05 00:00+00'), (2, '2026-03-05 00:00+00');
INSERT INTO lines VALUES (2, '2026-03-05 00:00+00');
