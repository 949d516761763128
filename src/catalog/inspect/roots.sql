/* pgstrata inspect */
SELECT w.schema_name,
       w.table_name,
       c.oid AS oid,
       c.relkind AS relkind,
       p.partstrat AS partstrat,
       p.partnatts AS partnatts,
       p.partattrs[0] = 0 AS key_is_expression,
       k.attname AS key_name,
       k.attnotnull AS key_not_null,
       format_type(k.atttypid, k.atttypmod) AS key_type,
       b.oid AS key_base_type,
       o.opcdefault AS key_opclass_is_default,
       pn.nspname AS parent_schema,
       pc.relname AS parent_name,
       pg_get_userbyid(c.relowner) AS owner,
       s.spcname AS tablespace,
       c.relrowsecurity AS row_security,
       c.relforcerowsecurity AS force_row_security,
       c.relreplident AS replica_identity,
       (SELECT ic.relname
        FROM pg_catalog.pg_index AS x JOIN pg_catalog.pg_class AS ic ON ic.oid = x.indexrelid
        WHERE x.indrelid = c.oid AND x.indisreplident) AS replica_identity_index,
       (SELECT convert_to(d.description, CASE getdatabaseencoding() WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END)
        FROM pg_catalog.pg_description AS d
        WHERE d.objoid = c.oid AND d.classoid = 'pg_catalog.pg_class'::regclass AND d.objsubid = 0) AS comment,
       has_schema_privilege(c.relowner, c.relnamespace, 'CREATE') AS creates_in_schema,
       CASE WHEN c.reltablespace = 0 THEN true
            ELSE has_tablespace_privilege(c.relowner, c.reltablespace, 'CREATE') END AS creates_in_tablespace,
       EXISTS (SELECT FROM pg_catalog.pg_policy AS y WHERE y.polrelid = c.oid) AS has_policies
FROM unnest($1::text[], $2::text[]) AS w(schema_name, table_name)
LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema_name
LEFT JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.table_name
LEFT JOIN pg_catalog.pg_tablespace AS s ON s.oid = c.reltablespace
LEFT JOIN pg_catalog.pg_partitioned_table AS p ON p.partrelid = c.oid
LEFT JOIN pg_catalog.pg_attribute AS k ON p.partnatts = 1 AND k.attrelid = c.oid AND k.attnum = p.partattrs[0]
LEFT JOIN pg_catalog.pg_opclass AS o ON p.partnatts = 1 AND o.oid = p.partclass[0]
LEFT JOIN pg_catalog.pg_inherits AS i ON c.relispartition AND i.inhrelid = c.oid
LEFT JOIN pg_catalog.pg_class AS pc ON pc.oid = i.inhparent
LEFT JOIN pg_catalog.pg_namespace AS pn ON pn.oid = pc.relnamespace
-- A domain prints its bounds as the type below it does.
LEFT JOIN LATERAL (
    WITH RECURSIVE below(oid, typtype, typbasetype) AS (
        SELECT t.oid, t.typtype, t.typbasetype FROM pg_catalog.pg_type AS t WHERE t.oid = k.atttypid
        UNION ALL
        SELECT t.oid, t.typtype, t.typbasetype
        FROM below JOIN pg_catalog.pg_type AS t ON t.oid = below.typbasetype WHERE below.typtype = 'd')
    SELECT below.oid FROM below WHERE below.typtype <> 'd') AS b ON true
