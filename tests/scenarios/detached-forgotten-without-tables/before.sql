-- The policy has no table left: what its tables left behind is found all the same.
CREATE TABLE events (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE TABLE other (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE third (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE gone (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE other_jan (at timestamptz NOT NULL);
CREATE TABLE third_jan (at timestamptz NOT NULL);
CREATE TABLE gone_jan (at timestamptz NOT NULL);
CREATE FUNCTION pg_temp.mark(t regclass, root regclass, said text, from_ text, to_ text, tail text) RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE format('COMMENT ON TABLE %s IS %L', t, format('pgstrata: retired {"root":"%s","root_oid":%s,"oid":%s,"from":"%s","to":"%s"%s}', said, root::oid, t::oid, from_, to_, tail)); END $$;
SELECT pg_temp.mark('other_jan', 'other', 'public.other', '2026-01-01 00:00:00+00', '2026-02-01 00:00:00+00', ',"detached_at":"2026-03-07T00:00:00Z"');
SELECT pg_temp.mark('third_jan', 'third', 'public.third', '2026-01-01 00:00:00+00', '2026-02-01 00:00:00+00', '');
SELECT pg_temp.mark('gone_jan', 'gone', 'public.gone', '2026-01-01 00:00:00+00', '2026-02-01 00:00:00+00', ',"detached_at":"2026-03-07T00:00:00Z"');
ALTER TABLE third RENAME TO fourth;
DROP TABLE gone;
