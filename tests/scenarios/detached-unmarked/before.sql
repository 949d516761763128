-- A comment by hand has overwritten their markers: what tells them is the columns, and the name or a check of the bounds.
CREATE SCHEMA app;
CREATE SCHEMA parts;
CREATE TABLE app.events (at timestamptz NOT NULL, what varchar(10), gone int) PARTITION BY RANGE (at);
ALTER TABLE app.events DROP COLUMN gone;
CREATE TABLE parts.events_mar PARTITION OF app.events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-05-01 00:00+00');
-- As DETACH … CONCURRENTLY leaves it, in the schema of a partition, its columns in another order.
CREATE TABLE parts.old (what varchar(10), at timestamptz NOT NULL,
    CHECK (at IS NOT NULL AND at >= '2025-12-01 00:00+00' AND at < '2026-01-01 00:00+00'));
COMMENT ON TABLE parts.old IS 'pgstrata: hold matter 4711';
-- By the policy's name.
CREATE TABLE app.events_p20260101 (at timestamptz NOT NULL, what varchar(10));
-- Columns of other types; another name and no check, or a check of something else; a name of a month to come; a child.
CREATE TABLE app.events_p20251201 (at timestamptz NOT NULL, what text);
CREATE TABLE app.events_import (at timestamptz NOT NULL, what varchar(10));
CREATE TABLE app.events_checked (at timestamptz NOT NULL, what varchar(10), CHECK (at > '2020-01-01 00:00+00'));
CREATE TABLE app.events_p20260801 (at timestamptz NOT NULL, what varchar(10));
CREATE TABLE app.events_p20251101 (at timestamptz NOT NULL, what varchar(10));
CREATE TABLE app.child () INHERITS (app.events_p20251101);
-- Marked, and so another finding's.
CREATE TABLE app.events_p20251001 (at timestamptz NOT NULL, what varchar(10));
COMMENT ON TABLE app.events_p20251001 IS 'pgstrata: retired {"root":"app.events","root_oid":1,"oid":1,"from":"2025-10-01 00:00:00+00","to":"2025-11-01 00:00:00+00"}';
-- In no schema of theirs.
CREATE TABLE public.events_p20260101 (at timestamptz NOT NULL, what varchar(10));
