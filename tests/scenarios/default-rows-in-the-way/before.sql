-- Rows of May are in the default partition: the other months go on.
CREATE TABLE few (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE few_rest PARTITION OF few DEFAULT;
INSERT INTO few VALUES ('2026-05-01 00:00+00'), ('2026-05-31 23:59:59+00'), ('2026-07-01 00:00+00'), ('2026-02-28 00:00+00');
CREATE TABLE many (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE many_rest PARTITION OF many DEFAULT;
INSERT INTO many SELECT '2026-04-01 00:00+00' FROM generate_series(1, 12000);
