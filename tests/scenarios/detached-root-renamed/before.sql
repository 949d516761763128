-- The root had another name and another schema when they were detached.
CREATE SCHEMA new;
CREATE TABLE journal (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE journal_mar PARTITION OF journal FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-05-01 00:00+00');
INSERT INTO journal VALUES ('2026-03-05 00:00+00');
CREATE TABLE over (at timestamptz NOT NULL);
CREATE TABLE running (at timestamptz NOT NULL);
CREATE TABLE unstamped (at timestamptz NOT NULL);
CREATE FUNCTION pg_temp.mark(t regclass, root regclass, said text, from_ text, to_ text, tail text) RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE format('COMMENT ON TABLE %s IS %L', t, format('pgstrata: retired {"root":"%s","root_oid":%s,"oid":%s,"from":"%s","to":"%s"%s}', said, root::oid, t::oid, from_, to_, tail)); END $$;
SELECT pg_temp.mark('over', 'journal', 'public.journal', '2025-11-01 00:00:00+00', '2025-12-01 00:00:00+00', ',"detached_at":"2026-03-07T00:00:00Z"');
SELECT pg_temp.mark('running', 'journal', 'public.journal', '2025-12-01 00:00:00+00', '2026-01-01 00:00:00+00', ',"detached_at":"2026-03-10T00:00:00Z"');
SELECT pg_temp.mark('unstamped', 'journal', 'public.journal', '2026-01-01 00:00:00+00', '2026-02-01 00:00:00+00', '');
ALTER TABLE journal RENAME TO ledger;
ALTER TABLE ledger SET SCHEMA new;
