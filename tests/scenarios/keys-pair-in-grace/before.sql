-- The rows of January reference each other: the detached table keeps its key until it is dropped, so the other waits for it.
CREATE TABLE invoice (id int, at timestamptz, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE zentry (invoice_id int, at timestamptz NOT NULL, CONSTRAINT of_invoice FOREIGN KEY (invoice_id, at) REFERENCES invoice) PARTITION BY RANGE (at);
CREATE TABLE invoice_jan PARTITION OF invoice FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE invoice_mar PARTITION OF invoice FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE TABLE zentry_jan PARTITION OF zentry FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE zentry_mar PARTITION OF zentry FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-05-01 00:00+00');
INSERT INTO invoice VALUES (1, '2026-01-05 00:00+00'), (2, '2026-03-05 00:00+00');
INSERT INTO zentry VALUES (1, '2026-01-05 00:00+00'), (2, '2026-03-05 00:00+00');
