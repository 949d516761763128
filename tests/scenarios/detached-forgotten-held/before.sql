-- What no table of the policy speaks of is held by its own comment, by its table's; one is by nothing.
CREATE TABLE events (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE TABLE other (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE second (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE gone (at timestamptz NOT NULL) PARTITION BY RANGE (at);
COMMENT ON TABLE second IS E'orders of all years\npgstrata: hold matter 4712';
CREATE TABLE other_jan (at timestamptz NOT NULL);
CREATE TABLE other_feb (at timestamptz NOT NULL);
CREATE TABLE second_jan (at timestamptz NOT NULL);
CREATE TABLE gone_jan (at timestamptz NOT NULL);
CREATE FUNCTION pg_temp.mark(t regclass, root regclass, said text, tail text) RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE format('COMMENT ON TABLE %s IS %L', t, format('pgstrata: retired {"root":"%s","root_oid":%s,"oid":%s,"from":"2026-01-01 00:00:00+00","to":"2026-02-01 00:00:00+00","detached_at":"2026-03-07T00:00:00Z"}%s', said, root::oid, t::oid, tail)); END $$;
SELECT pg_temp.mark('other_jan', 'other', 'public.other', E'\npgstrata: hold matter 4713 (Ms Okafor)');
SELECT pg_temp.mark('other_feb', 'other', 'public.other', '');
SELECT pg_temp.mark('second_jan', 'second', 'public.second', '');
SELECT pg_temp.mark('gone_jan', 'gone', 'public.gone', E'\npgstrata: hold');
DROP TABLE gone;
