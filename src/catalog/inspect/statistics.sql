/* pgstrata inspect */
-- Unset is -1 before 17, and NULL from 17 on.
SELECT attrelid, attname, attstattarget::int
FROM pg_catalog.pg_attribute
WHERE attrelid = ANY ($1) AND attnum > 0 AND NOT attisdropped AND attstattarget >= 0
