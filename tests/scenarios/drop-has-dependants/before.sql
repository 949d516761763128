-- The oldest owns the sequence of all; a view, a materialized view, a function, another table's column and another table's
-- key depend on others: each keeps its own from being dropped, and none of the rest.
CREATE TABLE post_old (id serial, at timestamptz NOT NULL);
CREATE TABLE post (id int NOT NULL DEFAULT nextval('post_old_id_seq'), at timestamptz NOT NULL) PARTITION BY RANGE (at);
ALTER TABLE post ATTACH PARTITION post_old FOR VALUES FROM ('2025-07-01 00:00+00') TO ('2025-08-01 00:00+00');
CREATE TABLE post_aug PARTITION OF post FOR VALUES FROM ('2025-08-01 00:00+00') TO ('2025-09-01 00:00+00');
CREATE TABLE post_sep PARTITION OF post FOR VALUES FROM ('2025-09-01 00:00+00') TO ('2025-10-01 00:00+00');
CREATE TABLE post_oct PARTITION OF post FOR VALUES FROM ('2025-10-01 00:00+00') TO ('2025-11-01 00:00+00');
CREATE TABLE post_nov PARTITION OF post (PRIMARY KEY (id)) FOR VALUES FROM ('2025-11-01 00:00+00') TO ('2025-12-01 00:00+00');
CREATE TABLE post_dec PARTITION OF post FOR VALUES FROM ('2025-12-01 00:00+00') TO ('2026-01-01 00:00+00');
CREATE TABLE post_mar PARTITION OF post FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE VIEW posts AS SELECT at FROM post_aug;
CREATE MATERIALIZED VIEW many AS SELECT count(*) FROM post_aug;
CREATE FUNCTION about(post_sep) RETURNS text LANGUAGE sql AS 'SELECT 1::text';
CREATE TABLE copies (one post_oct);
CREATE TABLE notes (post int REFERENCES post_nov);
INSERT INTO post (at) VALUES ('2025-08-05 00:00+00'), ('2026-03-05 00:00+00');
