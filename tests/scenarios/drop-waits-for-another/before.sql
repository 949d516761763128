-- Keys between single partitions: the drop of one waits for the other, until the next run or until the end of its grace.
CREATE TABLE invoice (id int, at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE zentry (id int, at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE invoice_mar PARTITION OF invoice FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE TABLE zentry_mar PARTITION OF zentry FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-05-01 00:00+00');
INSERT INTO invoice VALUES (1, '2026-03-05 00:00+00');
INSERT INTO zentry VALUES (1, '2026-03-05 00:00+00');
CREATE TABLE invoice_dec (id int PRIMARY KEY, at timestamptz NOT NULL);
CREATE TABLE invoice_jan (id int PRIMARY KEY, at timestamptz NOT NULL);
CREATE TABLE zentry_dec (id int REFERENCES invoice_dec, at timestamptz NOT NULL);
CREATE TABLE zentry_jan (id int REFERENCES invoice_jan, at timestamptz NOT NULL);
CREATE FUNCTION pg_temp.mark(t regclass, root regclass, said text, from_ text, to_ text, tail text) RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE format('COMMENT ON TABLE %s IS %L', t, format('pgstrata: retired {"root":"%s","root_oid":%s,"oid":%s,"from":"%s","to":"%s"%s}', said, root::oid, t::oid, from_, to_, tail)); END $$;
SELECT pg_temp.mark('invoice_dec', 'invoice', 'public.invoice', '2025-12-01 00:00:00+00', '2026-01-01 00:00:00+00', ',"detached_at":"2026-03-07T00:00:00Z"');
SELECT pg_temp.mark('invoice_jan', 'invoice', 'public.invoice', '2026-01-01 00:00:00+00', '2026-02-01 00:00:00+00', ',"detached_at":"2026-03-07T00:00:00Z"');
SELECT pg_temp.mark('zentry_dec', 'zentry', 'public.zentry', '2025-12-01 00:00:00+00', '2026-01-01 00:00:00+00', ',"detached_at":"2026-03-07T00:00:00Z"');
SELECT pg_temp.mark('zentry_jan', 'zentry', 'public.zentry', '2026-01-01 00:00:00+00', '2026-02-01 00:00:00+00', ',"detached_at":"2026-03-10T00:00:00Z"');
