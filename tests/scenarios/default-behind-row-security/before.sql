-- A policy hides the row from its owner: nothing may be concluded from not seeing it.
CREATE SCHEMA app AUTHORIZATION scenario_hidden_owner;
SET ROLE scenario_hidden_owner;
CREATE TABLE app.events (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE app.events_rest PARTITION OF app.events DEFAULT;
INSERT INTO app.events VALUES ('2026-04-05 00:00+00');
ALTER TABLE app.events_rest ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.events_rest FORCE ROW LEVEL SECURITY;
