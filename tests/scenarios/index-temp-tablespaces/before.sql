-- Where temporary tables are put says nothing of the policy's index.
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET temp_tablespaces = index_temp_tablespaces', current_database()); END $$;
CREATE TABLE events (at timestamptz NOT NULL, actor int) PARTITION BY RANGE (at);
CREATE TABLE events_mar PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE INDEX by_actor ON events (actor);
