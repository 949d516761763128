CREATE TABLE events (id bigint NOT NULL, at timestamptz NOT NULL, payload text) PARTITION BY RANGE (at);
CREATE TABLE events_p20260101 PARTITION OF events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE events_p20260201 PARTITION OF events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-03-01 00:00+00');
CREATE TABLE events_p20260301 PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE events_p20260401 PARTITION OF events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE INDEX events_id_idx ON events (id);
-- Its entries vary in width: without pgstattuple nothing is known of it.
CREATE INDEX events_payload_idx ON events_p20260101 (payload, id);
INSERT INTO events SELECT i, '2026-01-02 00:00+00', 'x' FROM generate_series(1, 700000) i;
DELETE FROM events WHERE id % 4 <> 0;
