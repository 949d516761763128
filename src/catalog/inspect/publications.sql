/* pgstrata inspect */
-- A partition that is listed by itself brings no new partition along, so only the root's membership counts.
SELECT c.oid, p.pubname
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_publication AS p
  ON p.puballtables OR EXISTS (SELECT FROM pg_catalog.pg_publication_rel AS m WHERE m.prpubid = p.oid AND m.prrelid = c.oid)
WHERE c.oid = ANY ($1) AND NOT p.pubviaroot
