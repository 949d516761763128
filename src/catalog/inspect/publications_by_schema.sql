/* pgstrata inspect */
SELECT c.oid, p.pubname
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_publication_namespace AS m ON m.pnnspid = c.relnamespace
JOIN pg_catalog.pg_publication AS p ON p.oid = m.pnpubid
WHERE c.oid = ANY ($1) AND NOT p.pubviaroot
