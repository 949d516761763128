CREATE TABLE booking (room int, at timestamptz NOT NULL, v int, EXCLUDE USING btree (room WITH =, at WITH =)) PARTITION BY RANGE (at);
CREATE TABLE booking_202611 PARTITION OF booking FOR VALUES FROM ('2026-11-01Z') TO ('2026-12-01Z');
CREATE INDEX ON booking (v) WITH (fillfactor = 70);
ALTER TABLE booking ADD PRIMARY KEY (at, room);
ALTER TABLE booking REPLICA IDENTITY USING INDEX booking_pkey;
