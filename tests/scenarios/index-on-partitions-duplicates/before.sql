-- March has a value twice: its index cannot be, and no other waits for it.
CREATE TABLE events (at timestamptz NOT NULL, id bigint, tenant text) PARTITION BY RANGE (at);
CREATE TABLE events_p20260301 PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE events_p20260401 PARTITION OF events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
INSERT INTO events VALUES ('2026-03-02', 7), ('2026-03-03', 7), ('2026-04-03', 7);
