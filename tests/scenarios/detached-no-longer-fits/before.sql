-- Retention was lengthened, and the table has changed since: each that comes back differs in something.
CREATE TABLE events (id int NOT NULL, at timestamptz NOT NULL, name text, CHECK (id > 0)) PARTITION BY RANGE (at);
CREATE TABLE lacks (id int NOT NULL, at timestamptz NOT NULL, CONSTRAINT events_id_check CHECK (id > 0));
CREATE TABLE has_more (id int NOT NULL, at timestamptz NOT NULL, name text, more "char", CONSTRAINT events_id_check CHECK (id > 0));
CREATE TABLE other_type (id bigint NOT NULL, at timestamptz NOT NULL, name varchar(9), CONSTRAINT events_id_check CHECK (id > 0));
CREATE TABLE nullable (id int, at timestamptz NOT NULL, name text COLLATE "C", CONSTRAINT events_id_check CHECK (id > 0));
CREATE TABLE no_check (id int NOT NULL, at timestamptz NOT NULL, name text);
CREATE TABLE other_check (id int NOT NULL, at timestamptz NOT NULL, name text, CONSTRAINT events_id_check CHECK (id > 1) NOT VALID);
CREATE TABLE fits (at timestamptz NOT NULL, id int NOT NULL, name text, CONSTRAINT events_id_check CHECK (id > 0));
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-05-01 00:00+00');
INSERT INTO events VALUES (1, '2026-03-05 00:00+00');
INSERT INTO fits (id, at) VALUES (1, '2026-01-05 00:00+00');
CREATE FUNCTION pg_temp.mark(t regclass, root regclass, said text, from_ text, to_ text, tail text) RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE format('COMMENT ON TABLE %s IS %L', t, format('pgstrata: retired {"root":"%s","root_oid":%s,"oid":%s,"from":"%s","to":"%s"%s}', said, root::oid, t::oid, from_, to_, tail)); END $$;
SELECT pg_temp.mark('lacks', 'events', 'public.events', '2025-07-01 00:00:00+00', '2025-08-01 00:00:00+00', ',"detached_at":"2026-03-07T00:00:00Z"');
SELECT pg_temp.mark('has_more', 'events', 'public.events', '2025-08-01 00:00:00+00', '2025-09-01 00:00:00+00', ',"detached_at":"2026-03-07T00:00:00Z"');
SELECT pg_temp.mark('other_type', 'events', 'public.events', '2025-09-01 00:00:00+00', '2025-10-01 00:00:00+00', ',"detached_at":"2026-03-07T00:00:00Z"');
SELECT pg_temp.mark('nullable', 'events', 'public.events', '2025-10-01 00:00:00+00', '2025-11-01 00:00:00+00', ',"detached_at":"2026-03-07T00:00:00Z"');
SELECT pg_temp.mark('no_check', 'events', 'public.events', '2025-11-01 00:00:00+00', '2025-12-01 00:00:00+00', ',"detached_at":"2026-03-07T00:00:00Z"');
SELECT pg_temp.mark('other_check', 'events', 'public.events', '2025-12-01 00:00:00+00', '2026-01-01 00:00:00+00', ',"detached_at":"2026-03-07T00:00:00Z"');
SELECT pg_temp.mark('fits', 'events', 'public.events', '2026-01-01 00:00:00+00', '2026-02-01 00:00:00+00', ',"detached_at":"2026-03-07T00:00:00Z"');
