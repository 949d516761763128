-- Who owns the partitions may not even look into the schema, and the superuser loses nothing by that.
CREATE SCHEMA app AUTHORIZATION scenario_owu_new;
SET ROLE scenario_owu_new;
CREATE TABLE app.events (id bigint, at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE app.events_dec PARTITION OF app.events FOR VALUES FROM ('2025-12-01 00:00+00') TO ('2026-01-01 00:00+00');
CREATE TABLE app.events_feb PARTITION OF app.events FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-03-01 00:00+00');
CREATE TABLE app.events_mar PARTITION OF app.events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE app.events_apr PARTITION OF app.events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
INSERT INTO app.events VALUES (1, '2025-12-05 00:00+00'), (2, '2026-02-10 00:00+00'), (3, '2026-03-10 00:00+00');
RESET ROLE;
ALTER TABLE app.events_dec OWNER TO scenario_owu_old;
ALTER TABLE app.events_feb OWNER TO scenario_owu_old;
