-- One difference each; a constraint's index, and the replica identity, stay beside the new one.
CREATE TABLE events (at timestamptz NOT NULL, actor int NOT NULL, body text, status text) PARTITION BY RANGE (at);
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE INDEX by_collation ON events (body);
CREATE INDEX by_expression ON events (lower(body));
CREATE INDEX by_method ON events (status);
CREATE INDEX by_nulls ON events (actor, body);
CREATE INDEX by_parameter ON events (actor, status) WITH (fillfactor = 70);
CREATE INDEX by_tablespace ON events (status, actor);
CREATE INDEX by_unique ON events (actor, at);
