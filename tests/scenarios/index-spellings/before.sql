-- Written otherwise, and the same; the primary key is nobody's stray.
CREATE TABLE events (gone int, at timestamptz NOT NULL, actor int, body varchar, status text, PRIMARY KEY (at, actor)) PARTITION BY RANGE (at);
ALTER TABLE events DROP COLUMN gone;
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE events_apr (extra int, at timestamptz NOT NULL, body varchar, status text, actor int NOT NULL);
ALTER TABLE events_apr DROP COLUMN extra;
ALTER TABLE events ATTACH PARTITION events_apr FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE INDEX one ON events USING btree (actor) WHERE status = ANY (ARRAY['a', 'b']);
CREATE INDEX two ON events (lower((body)::text)) WHERE at > '2026-01-01 00:00:00Z';
CREATE INDEX three ON events (at DESC, (COALESCE(actor, 0)));
CREATE INDEX four ON events (body text_pattern_ops);
CREATE INDEX five ON events USING btree (actor int4_ops) INCLUDE (status, body) WITH (fillfactor = 70);
CREATE INDEX six ON events USING btree (status COLLATE "C" DESC NULLS LAST) WHERE (body IS NOT NULL) AND (NOT (actor = 1));
CREATE INDEX seven ON events ((at AT TIME ZONE 'UTC'), (status || 'x'));
CREATE UNIQUE INDEX eight ON events (actor, at) WHERE actor BETWEEN 1 AND 5;
CREATE INDEX nine ON events USING brin (at) WITH (pages_per_range = '32');
CREATE INDEX ten ON events USING hash (body);
-- By another name, on all partitions, and met all the same.
CREATE INDEX otherwise ON events (status, actor);
