-- What has no finite upper end, or one before our era, is no partition that leaves, and nothing is made where it reaches.
CREATE TABLE open_below (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE open_below_old PARTITION OF open_below FOR VALUES FROM (MINVALUE) TO ('2026-03-01 00:00+00');
CREATE TABLE open_below_mar PARTITION OF open_below FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
INSERT INTO open_below VALUES ('2001-01-01 00:00+00'), ('2026-03-01 00:00+00');
-- Its end is on no boundary.
CREATE TABLE open_odd (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE open_odd_old PARTITION OF open_odd FOR VALUES FROM (MINVALUE) TO ('2026-01-10 00:00+00');
CREATE TABLE open_odd_mar PARTITION OF open_odd FOR VALUES FROM ('2026-01-10 00:00+00') TO ('2026-05-01 00:00+00');
INSERT INTO open_odd VALUES ('2001-01-01 00:00+00'), ('2026-03-01 00:00+00');
CREATE TABLE open_above (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE open_above_mar PARTITION OF open_above FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE open_above_rest PARTITION OF open_above FOR VALUES FROM ('2026-04-01 00:00+00') TO (MAXVALUE);
CREATE TABLE infinite (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE infinite_past PARTITION OF infinite FOR VALUES FROM ('-infinity') TO ('2026-01-01 00:00+00');
CREATE TABLE infinite_mar PARTITION OF infinite FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE TABLE infinite_future PARTITION OF infinite FOR VALUES FROM ('2027-01-01 00:00+00') TO ('infinity');
INSERT INTO infinite VALUES ('-infinity'), ('2026-03-01 00:00+00');
CREATE TABLE bc (on_day date NOT NULL) PARTITION BY RANGE (on_day);
CREATE TABLE bc_caesar PARTITION OF bc FOR VALUES FROM ('0044-03-01 BC') TO ('0044-04-01 BC');
CREATE TABLE bc_mar PARTITION OF bc FOR VALUES FROM ('2026-03-01') TO ('2026-05-01');
INSERT INTO bc VALUES ('0044-03-15 BC'), ('2026-03-15');
