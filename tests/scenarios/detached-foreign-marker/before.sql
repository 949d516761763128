-- Markers whose OIDs are not the table's own, as after a restore; one without a marker; one that is in use again.
CREATE TABLE events (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-05-01 00:00+00');
INSERT INTO events VALUES ('2026-03-05 00:00+00');
CREATE TABLE copied (at timestamptz NOT NULL);
CREATE TABLE restored (at timestamptz NOT NULL);
CREATE TABLE unmarked (at timestamptz NOT NULL);
CREATE TABLE broken (at timestamptz NOT NULL);
CREATE TABLE parent (at timestamptz NOT NULL);
CREATE TABLE other_root (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE moved PARTITION OF other_root FOR VALUES FROM ('2025-12-01 00:00+00') TO ('2026-01-01 00:00+00');
CREATE TABLE child () INHERITS (parent);
COMMENT ON TABLE broken IS 'pgstrata: retired {"root":"public.events"}';
CREATE FUNCTION pg_temp.mark(t regclass, root oid, own oid) RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE format('COMMENT ON TABLE %s IS %L', t, format('pgstrata: retired {"root":"public.events","root_oid":%s,"oid":%s,"from":"2025-12-01 00:00:00+00","to":"2026-01-01 00:00:00+00","detached_at":"2026-01-01T00:00:00Z"}', root, own)); END $$;
SELECT pg_temp.mark('copied', 'events'::regclass, 'parent'::regclass);
SELECT pg_temp.mark('restored', 'copied'::regclass, 'restored'::regclass);
SELECT pg_temp.mark('parent', 'events'::regclass, 'parent'::regclass);
SELECT pg_temp.mark('moved', 'events'::regclass, 'moved'::regclass);
