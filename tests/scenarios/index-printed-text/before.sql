CREATE TABLE t (id bigint, at timestamptz NOT NULL, name varchar(20)) PARTITION BY RANGE (at);
CREATE TABLE t_mar PARTITION OF t FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE INDEX t_printed ON t (id) WHERE name IN ('new', 'ack');
CREATE INDEX t_restored ON t (id) WHERE ((name)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[]));
CREATE INDEX t_twice ON t (((name)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])));
CREATE INDEX t_differs ON t (id) WHERE name IN ('n', 'o');
