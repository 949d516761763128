-- A default partition that the policy requires would be a plain one, too.
CREATE TABLE usage (tenant text NOT NULL, at timestamptz NOT NULL, n int) PARTITION BY RANGE (at);
CREATE TABLE usage_202611 PARTITION OF usage FOR VALUES FROM ('2026-11-01Z') TO ('2026-12-01Z') PARTITION BY LIST (tenant);
CREATE TABLE usage_202611_a PARTITION OF usage_202611 FOR VALUES IN ('a');
CREATE TABLE usage_202612 PARTITION OF usage FOR VALUES FROM ('2026-12-01Z') TO ('2027-01-01Z') PARTITION BY LIST (tenant);
