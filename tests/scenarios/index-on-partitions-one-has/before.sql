-- March has it under a name of its own, April by a constraint; May was left invalid, June lacks it, and a new month is made.
CREATE TABLE events (at timestamptz NOT NULL, id bigint, tenant text) PARTITION BY RANGE (at);
CREATE TABLE events_p20260301 PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE events_p20260401 PARTITION OF events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE TABLE events_p20260501 PARTITION OF events FOR VALUES FROM ('2026-05-01 00:00+00') TO ('2026-06-01 00:00+00');
CREATE TABLE events_p20260601 PARTITION OF events FOR VALUES FROM ('2026-06-01 00:00+00') TO ('2026-07-01 00:00+00');
CREATE UNIQUE INDEX handmade ON events_p20260301 (id, lower(tenant));
ALTER TABLE events_p20260401 ADD CONSTRAINT one_each UNIQUE (tenant);
CREATE UNIQUE INDEX by_tenant ON events_p20260301 (tenant);
CREATE UNIQUE INDEX events_p20260501_tenant_idx ON events_p20260501 (tenant);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'events_p20260501_tenant_idx'::regclass;
