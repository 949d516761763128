-- Whoever owns a table can write a marker on it. Of a stranger's nothing is believed; of the owner's own, one whose window
-- was not over when it left never takes the place of a partition.
CREATE SCHEMA scratch;
CREATE TABLE events (at timestamptz NOT NULL, what text) PARTITION BY RANGE (at);
ALTER TABLE events OWNER TO stranger_owner;
GRANT CREATE ON SCHEMA public TO stranger_owner;
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
ALTER TABLE events_mar OWNER TO stranger_owner;
INSERT INTO events VALUES ('2026-03-05 00:00+00');
CREATE TABLE scratch.old (at timestamptz NOT NULL, what text);
CREATE TABLE scratch.next (at timestamptz NOT NULL, what text);
CREATE TABLE own_next (at timestamptz NOT NULL, what text);
ALTER TABLE own_next OWNER TO stranger_owner;
ALTER TABLE scratch.old OWNER TO stranger_herself;
ALTER TABLE scratch.next OWNER TO stranger_herself;
CREATE FUNCTION pg_temp.mark(t regclass, root regclass, said text, from_ text, to_ text, tail text) RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE format('COMMENT ON TABLE %s IS %L', t, format('pgstrata: retired {"root":"%s","root_oid":%s,"oid":%s,"from":"%s","to":"%s"%s}', said, root::oid, t::oid, from_, to_, tail)); END $$;
SELECT pg_temp.mark('scratch.old', 'events', 'public.events', '2020-12-01 00:00:00+00', '2021-01-01 00:00:00+00', ',"detached_at":"2026-01-01T00:00:00Z"');
SELECT pg_temp.mark('scratch.next', 'events', 'public.events', '2026-04-01 00:00:00+00', '2026-05-01 00:00:00+00', ',"detached_at":"2026-03-01T00:00:00Z"');
SELECT pg_temp.mark('own_next', 'events', 'public.events', '2026-05-01 00:00:00+00', '2026-06-01 00:00:00+00', ',"detached_at":"2026-03-01T00:00:00Z"');
