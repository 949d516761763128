-- Somebody's own detach, interrupted: finished, because nothing else can leave before; it gets no marker, and stays.
CREATE TABLE events (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_jan PARTITION OF events FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE events_feb PARTITION OF events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-04-01 00:00+00');
INSERT INTO events VALUES ('2026-01-05 00:00+00'), ('2026-03-05 00:00+00');
