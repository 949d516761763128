/* pgstrata hold */
-- What a name may mean: $2 is its schema, or NULL for any that is not the server's own. Waits for nobody.
SELECT c.oid,
       n.nspname,
       c.relname,
       pg_catalog.pg_get_userbyid(c.relowner),
       c.relkind IN ('r', 'p'),
       c.relkind = 'p' OR c.relispartition,
       -- Bytes: a database in SQL_ASCII has comments in any encoding, and refuses them to whoever reads UTF-8.
       pg_catalog.convert_to(d.description,
                             CASE pg_catalog.getdatabaseencoding() WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END),
       me.rolname,
       me.rolsuper,
       o.rolsuper,
       -- Whether it may SET ROLE to the owner, which from 16 on is more than to be a member.
       pg_catalog.pg_has_role(me.oid, c.relowner,
                              CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 160000
                                   THEN 'SET' ELSE 'MEMBER' END),
       pg_catalog.pg_has_role(me.oid, c.relowner, 'USAGE'),
       pg_catalog.has_schema_privilege(c.relowner, n.oid, 'USAGE'),
       pg_catalog.has_schema_privilege(me.oid, n.oid, 'USAGE'),
       pg_catalog.current_setting('server_version_num')::int,
       pn.nspname,
       p.relname
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_roles AS me ON me.rolname = session_user
LEFT JOIN pg_catalog.pg_roles AS o ON o.oid = c.relowner
LEFT JOIN pg_catalog.pg_description AS d
       ON d.objoid = c.oid AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0
LEFT JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = c.oid AND c.relispartition
LEFT JOIN pg_catalog.pg_class AS p ON p.oid = i.inhparent
LEFT JOIN pg_catalog.pg_namespace AS pn ON pn.oid = p.relnamespace
WHERE c.relname = $1
  AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
  AND CASE WHEN $2::pg_catalog.text IS NULL
           THEN n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
           ELSE n.nspname = $2 END
ORDER BY n.nspname
