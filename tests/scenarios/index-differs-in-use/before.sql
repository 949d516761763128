-- The root's indexes are nobody's identity; a partition's own is, and a foreign key references one without a constraint.
CREATE TABLE events (at timestamptz NOT NULL, actor int NOT NULL, id int NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE UNIQUE INDEX by_identity ON events (actor, at);
ALTER TABLE events_mar REPLICA IDENTITY USING INDEX events_mar_actor_at_idx;
CREATE UNIQUE INDEX by_reference ON events (at, id);
CREATE TABLE lines (at timestamptz, id int, FOREIGN KEY (at, id) REFERENCES events (at, id));
