-- A clock that was wrong wrote rows of next year; some rows have no time at all.
CREATE TABLE delivery (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE delivery_default PARTITION OF delivery DEFAULT;
CREATE TABLE delivery_nov PARTITION OF delivery FOR VALUES FROM ('2026-11-01') TO ('2026-12-01');
CREATE TABLE delivery_dec PARTITION OF delivery FOR VALUES FROM ('2026-12-01') TO ('2027-01-01');
INSERT INTO delivery VALUES (1, '2027-02-03'), (2, '2027-02-05'), (3, NULL), (4, 'infinity');
