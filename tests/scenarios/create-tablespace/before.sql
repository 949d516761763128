CREATE SCHEMA app AUTHORIZATION scenario_space_owner;
SET ROLE scenario_space_owner;
CREATE TABLE app.events (id bigint, at timestamptz NOT NULL, body text) PARTITION BY RANGE (at) TABLESPACE scenario_space_tables;
CREATE INDEX by_body ON app.events (body) TABLESPACE "Scenario Space Indexes";
ALTER TABLE app.events ADD PRIMARY KEY (id, at) USING INDEX TABLESPACE "Scenario Space Indexes";
CREATE TABLE app.events_mar PARTITION OF app.events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
