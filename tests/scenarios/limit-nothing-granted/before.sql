-- One would come back, one would be detached under a lock on who references it, one would be dropped: only creations go.
CREATE TABLE orders (id integer, at timestamptz, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE orders_oct PARTITION OF orders FOR VALUES FROM ('2025-10-01 00:00+00') TO ('2025-11-01 00:00+00');
CREATE TABLE orders_nov PARTITION OF orders FOR VALUES FROM ('2025-11-01 00:00+00') TO ('2025-12-01 00:00+00');
CREATE TABLE orders_jan PARTITION OF orders FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE orders_mar PARTITION OF orders FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-04-01 00:00+00');
INSERT INTO orders VALUES (1, '2026-03-05 00:00+00');
CREATE TABLE lines (id integer, at timestamptz, FOREIGN KEY (id, at) REFERENCES orders);
ALTER TABLE orders DETACH PARTITION orders_oct;
ALTER TABLE orders DETACH PARTITION orders_jan;
CREATE FUNCTION pg_temp.mark(t regclass, from_ text, to_ text) RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE format('COMMENT ON TABLE %s IS %L', t, format(E'pgstrata: retired {"root":"public.orders","root_oid":%s,"oid":%s,"from":"%s","to":"%s","detached_at":"2026-03-01T00:00:00Z"}', 'orders'::regclass::oid, t::oid, from_, to_)); END $$;
SELECT pg_temp.mark('orders_oct', '2025-10-01 00:00:00+00', '2025-11-01 00:00:00+00');
SELECT pg_temp.mark('orders_jan', '2026-01-01 00:00:00+00', '2026-02-01 00:00:00+00');
