-- The policy's index was on (id); March has the new one too, under another name.
CREATE TABLE events (at timestamptz NOT NULL, id bigint, tenant text) PARTITION BY RANGE (at);
CREATE TABLE events_p20260301 PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE events_p20260401 PARTITION OF events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE UNIQUE INDEX events_p20260301_id_idx ON events_p20260301 (id);
CREATE UNIQUE INDEX events_p20260401_id_idx ON events_p20260401 (id);
CREATE UNIQUE INDEX handmade ON events_p20260301 (tenant, id);
