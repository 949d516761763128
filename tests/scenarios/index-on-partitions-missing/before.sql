-- None has it. The name for a new partition's is what LIKE calls the copy of the table's own index on (id) there.
CREATE TABLE events (at timestamptz NOT NULL, id bigint, tenant text) PARTITION BY RANGE (at);
CREATE TABLE events_p20260301 PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE events_p20260401 PARTITION OF events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE INDEX ON events (id);
INSERT INTO events SELECT '2026-03-02 00:00+00'::timestamptz + n * interval '1 day', n FROM generate_series(1, 40) n;
