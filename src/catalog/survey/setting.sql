/* pgstrata import */
-- What the session was given before this transaction pinned its own: the database's setting, or the role's.
SELECT s.reset_val FROM pg_catalog.pg_settings AS s WHERE s.name = 'TimeZone'
