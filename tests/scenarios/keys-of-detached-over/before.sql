-- Its grace is over: it is dropped, and what it references leaves in the same run.
CREATE TABLE invoice (id int, at timestamptz, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE zentry (invoice_id int, at timestamptz NOT NULL, CONSTRAINT of_invoice FOREIGN KEY (invoice_id, at) REFERENCES invoice) PARTITION BY RANGE (at);
CREATE TABLE invoice_jan PARTITION OF invoice FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE invoice_mar PARTITION OF invoice FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE TABLE zentry_jan PARTITION OF zentry FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE zentry_mar PARTITION OF zentry FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-05-01 00:00+00');
INSERT INTO invoice VALUES (1, '2026-01-05 00:00+00'), (2, '2026-03-05 00:00+00');
INSERT INTO zentry VALUES (1, '2026-01-05 00:00+00'), (2, '2026-03-05 00:00+00');
ALTER TABLE zentry DETACH PARTITION zentry_jan;
CREATE FUNCTION pg_temp.mark(t regclass, root regclass, said text, from_ text, to_ text, tail text) RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE format('COMMENT ON TABLE %s IS %L', t, format('pgstrata: retired {"root":"%s","root_oid":%s,"oid":%s,"from":"%s","to":"%s"%s}', said, root::oid, t::oid, from_, to_, tail)); END $$;
SELECT pg_temp.mark('zentry_jan', 'zentry', 'public.zentry', '2026-01-01 00:00:00+00', '2026-02-01 00:00:00+00', ',"detached_at":"2026-03-07T00:00:00Z"');
