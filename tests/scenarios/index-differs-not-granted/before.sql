CREATE TABLE events (at timestamptz NOT NULL, actor int, body text, status text) PARTITION BY RANGE (at);
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE INDEX by_order ON events (actor, at);
CREATE INDEX by_predicate ON events (actor) WHERE status = 'a';
CREATE INDEX by_opclass ON events (body);
CREATE INDEX by_include ON events (status);
