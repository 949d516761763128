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
