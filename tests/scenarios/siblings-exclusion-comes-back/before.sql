-- October comes back. It kept the exclusion constraint, which ATTACH would make a second time, and has one of its own.
CREATE TABLE booking (room int, at timestamptz NOT NULL, seat int, EXCLUDE USING btree (room WITH =, at WITH =) WHERE (room > 0)) PARTITION BY RANGE (at);
CREATE TABLE booking_202610 PARTITION OF booking FOR VALUES FROM ('2026-10-01Z') TO ('2026-11-01Z');
CREATE TABLE booking_202611 PARTITION OF booking FOR VALUES FROM ('2026-11-01Z') TO ('2026-12-01Z');
CREATE TABLE booking_202612 PARTITION OF booking FOR VALUES FROM ('2026-12-01Z') TO ('2027-01-01Z');
INSERT INTO booking VALUES (1, '2026-10-05Z', 1), (1, '2026-11-05Z', 1);
ALTER TABLE booking DETACH PARTITION booking_202610;
ALTER TABLE booking_202610 ADD CONSTRAINT its_own EXCLUDE USING btree (seat WITH =, at WITH =);
DO $$ BEGIN EXECUTE format('COMMENT ON TABLE booking_202610 IS %L', format('pgstrata: retired {"root":"public.booking","root_oid":%s,"oid":%s,"from":"2026-10-01 00:00:00+00","to":"2026-11-01 00:00:00+00","detached_at":"2026-11-10T00:00:00Z"}', 'booking'::regclass::oid, 'booking_202610'::regclass::oid)); END $$;
