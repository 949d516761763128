-- The 25th has 25 hours. Somebody made it from a session in UTC: until the 26th only a bridge is missing.
CREATE TABLE events (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_24 PARTITION OF events FOR VALUES FROM ('2026-10-24 00:00+02') TO ('2026-10-25 00:00+02');
CREATE TABLE events_25 PARTITION OF events FOR VALUES FROM ('2026-10-25 00:00+00') TO ('2026-10-26 00:00+00');
