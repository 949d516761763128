/* pgstrata inspect */
-- Of a root ($1) what it sets itself; of its partitions ($2) the same columns, and those with a compression of their own.
WITH of_root AS (
    SELECT r.attrelid, r.attname,
           CASE WHEN r.attstorage <> y.typstorage THEN r.attstorage END AS storage,
           nullif(r.attcompression, '') AS compression
    FROM pg_catalog.pg_attribute AS r
    JOIN pg_catalog.pg_type AS y ON y.oid = r.atttypid
    WHERE r.attrelid = ANY ($1) AND r.attnum > 0 AND NOT r.attisdropped
      AND (r.attstorage <> y.typstorage OR r.attcompression <> ''))
SELECT r.attrelid AS root, NULL::oid AS leaf, r.attname, r.storage, r.compression FROM of_root AS r
UNION ALL
SELECT i.inhparent, i.inhrelid, a.attname, a.attstorage, nullif(a.attcompression, '')
FROM pg_catalog.pg_inherits AS i
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.inhrelid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN of_root AS r ON r.attrelid = i.inhparent AND r.attname = a.attname
WHERE i.inhrelid = ANY ($2) AND (r.attrelid IS NOT NULL OR a.attcompression <> '')
