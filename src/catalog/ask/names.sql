/* pgstrata inspect */
-- A table needs its name as a type too. A type that is only some other's array type makes room by itself.
SELECT EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.relnamespace = n.oid AND c.relname = w.relation_name)
    OR EXISTS (SELECT FROM pg_catalog.pg_type AS t
               WHERE t.typnamespace = n.oid AND t.typname = w.relation_name
                 AND NOT EXISTS (SELECT FROM pg_catalog.pg_type AS e WHERE e.oid = t.typelem AND e.typarray = t.oid))
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w(schema_name, relation_name, at)
LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema_name
ORDER BY w.at
