-- A foreign partition has no index, one that is partitioned itself no single one; the others get theirs.
CREATE TABLE events (at timestamptz NOT NULL, id bigint, tenant text) PARTITION BY RANGE (at);
CREATE TABLE events_p20260301 PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE events_p20260401 PARTITION OF events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER far FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE events_old (at timestamptz NOT NULL, id bigint, tenant text) SERVER far;
ALTER TABLE events ATTACH PARTITION events_old FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE events_p20260201 PARTITION OF events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-03-01 00:00+00') PARTITION BY LIST (tenant);
