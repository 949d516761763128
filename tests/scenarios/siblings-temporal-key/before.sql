-- A key WITHOUT OVERLAPS: a copy by LIKE cannot be attached (42P16), and neither can a table that kept its own.
CREATE EXTENSION btree_gist;
CREATE TABLE booking (room int, at timestamptz NOT NULL, during tstzrange, PRIMARY KEY (room, at, during WITHOUT OVERLAPS)) PARTITION BY RANGE (at);
CREATE TABLE booking_202610 PARTITION OF booking FOR VALUES FROM ('2026-10-01Z') TO ('2026-11-01Z');
CREATE TABLE booking_202611 PARTITION OF booking FOR VALUES FROM ('2026-11-01Z') TO ('2026-12-01Z');
INSERT INTO booking VALUES (1, '2026-10-05Z', '[2026-10-05,2026-10-06)'), (1, '2026-11-05Z', '[2026-11-05,2026-11-06)');
ALTER TABLE booking DETACH PARTITION booking_202610;
DO $$ BEGIN EXECUTE format('COMMENT ON TABLE booking_202610 IS %L', format('pgstrata: retired {"root":"public.booking","root_oid":%s,"oid":%s,"from":"2026-10-01 00:00:00+00","to":"2026-11-01 00:00:00+00","detached_at":"2026-11-10T00:00:00Z"}', 'booking'::regclass::oid, 'booking_202610'::regclass::oid)); END $$;
