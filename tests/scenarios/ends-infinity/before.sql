-- 'infinity' is no MAXVALUE, and takes all that time will bring all the same.
CREATE TABLE metric (id int, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE metric_202611 PARTITION OF metric FOR VALUES FROM ('2026-11-01') TO ('2026-12-01');
CREATE TABLE metric_202612 PARTITION OF metric FOR VALUES FROM ('2026-12-01') TO ('2027-01-01');
CREATE TABLE metric_future PARTITION OF metric FOR VALUES FROM ('2027-01-15') TO ('infinity');
