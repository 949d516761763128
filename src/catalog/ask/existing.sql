/* pgstrata inspect */
SELECT EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = w.relation)
FROM unnest($1::oid[]) WITH ORDINALITY AS w(relation, at)
ORDER BY w.at
