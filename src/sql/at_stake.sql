/* pgstrata inspect */
-- Code of roles that may do less than the session, and that the server runs as the session (or as the table's owner) when
-- it plans a query on these tables or alters them. It asks upwards from what such roles own: where they own nothing that
-- anything hangs on, there is little to look at, however many partitions there are. Opens no relation.
--   $1 roots, $2 detached tables, $3 the root of each of these.
-- What runs what is measured (14 to 18): checks, expressions and predicates of indexes, expressions of statistics and
-- virtual columns, all with what they call (operators, domains, functions of SQL-standard bodies), and the domain of the
-- key; support functions of the key's operator class whenever the parent's bounds are compared; event triggers. Defaults,
-- stored generated columns, triggers, policies and the types of other columns run in none of our statements.
WITH RECURSIVE
me AS MATERIALIZED (
    -- Membership is the right to SET ROLE before 16; from then on that is a right of its own.
    SELECT r.oid, CASE WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 160000
                       THEN 'SET' ELSE 'MEMBER' END AS becomes
    FROM pg_catalog.pg_roles AS r WHERE r.rolname = session_user),
distrusted AS MATERIALIZED (
    SELECT r.oid
    FROM me, pg_catalog.pg_roles AS r
    WHERE r.oid IN (SELECT p.proowner FROM pg_catalog.pg_proc AS p
                    UNION SELECT t.typowner FROM pg_catalog.pg_type AS t WHERE t.typtype = 'd')
      AND NOT r.rolsuper AND NOT pg_catalog.pg_has_role(r.oid, me.oid, me.becomes)),
code AS MATERIALIZED (
    -- Extensions are no exception: whoever owns a function replaces it, a member of an extension or not.
    SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid AS class, p.oid, p.proowner AS owner
    FROM pg_catalog.pg_proc AS p JOIN distrusted AS r ON r.oid = p.proowner
    UNION ALL
    -- ALTER DOMAIN … ADD CHECK … NOT VALID waits for no lock of ours: who owns a domain may give it one at any time.
    SELECT 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid, t.oid, t.typowner
    FROM pg_catalog.pg_type AS t JOIN distrusted AS r ON r.oid = t.typowner WHERE t.typtype = 'd'),
reached (of_class, of_oid, class, oid, by_key) AS (
    SELECT code.class, code.oid, code.class, code.oid, false FROM code
    UNION
    SELECT n.of_class, n.of_oid, up.class, up.oid, n.by_key OR up.by_key
    FROM reached AS n CROSS JOIN LATERAL (
        SELECT d.classid AS class, d.objid AS oid, false AS by_key
        FROM pg_catalog.pg_depend AS d
        WHERE d.refclassid = n.class AND d.refobjid = n.oid AND d.objsubid = 0
          AND d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass,
                               'pg_catalog.pg_type'::pg_catalog.regclass)
          AND d.classid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass,
                            'pg_catalog.pg_type'::pg_catalog.regclass, 'pg_catalog.pg_class'::pg_catalog.regclass,
                            'pg_catalog.pg_constraint'::pg_catalog.regclass, 'pg_catalog.pg_attrdef'::pg_catalog.regclass,
                            'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, 'pg_catalog.pg_amproc'::pg_catalog.regclass,
                            'pg_catalog.pg_amop'::pg_catalog.regclass)
        UNION ALL
        -- A column's type: of a composite type, or of a partition key.
        SELECT pc.class, pc.oid, false
        FROM pg_catalog.pg_depend AS d
        JOIN pg_catalog.pg_class AS c ON c.oid = d.objid
        LEFT JOIN pg_catalog.pg_partitioned_table AS k ON k.partrelid = c.oid
        CROSS JOIN LATERAL (
            SELECT 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid AS class, c.reltype AS oid WHERE c.relkind = 'c'
            UNION ALL
            SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, c.oid
            WHERE d.objsubid = ANY (k.partattrs::pg_catalog.int2[])) AS pc
        WHERE n.class = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.refclassid = n.class AND d.refobjid = n.oid
          AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid > 0
        UNION ALL
        SELECT CASE WHEN k.conrelid <> 0 THEN 'pg_catalog.pg_class'::pg_catalog.regclass
                    ELSE 'pg_catalog.pg_type'::pg_catalog.regclass END, greatest(k.conrelid, k.contypid), false
        FROM pg_catalog.pg_constraint AS k
        WHERE n.class = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND k.oid = n.oid AND k.contype IN ('c', 'x')
        UNION ALL
        SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, a.attrelid, false
        FROM pg_catalog.pg_attrdef AS e
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = e.adrelid AND a.attnum = e.adnum
        WHERE n.class = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND e.oid = n.oid AND a.attgenerated = 'v'
        UNION ALL
        SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, s.stxrelid, false
        FROM pg_catalog.pg_statistic_ext AS s
        WHERE n.class = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass AND s.oid = n.oid
        UNION ALL
        -- From a class's support functions and operators to tables that are partitioned by it.
        SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, k.partrelid, true
        FROM (SELECT a.amprocfamily AS family FROM pg_catalog.pg_amproc AS a
              WHERE n.class = 'pg_catalog.pg_amproc'::pg_catalog.regclass AND a.oid = n.oid
              UNION ALL
              SELECT a.amopfamily FROM pg_catalog.pg_amop AS a
              WHERE n.class = 'pg_catalog.pg_amop'::pg_catalog.regclass AND a.oid = n.oid) AS f
        JOIN pg_catalog.pg_opclass AS o ON o.opcfamily = f.family
        JOIN pg_catalog.pg_partitioned_table AS k ON o.oid = ANY (k.partclass::pg_catalog.oid[])
        UNION ALL
        SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, x.indrelid, false
        FROM pg_catalog.pg_index AS x
        WHERE n.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND x.indexrelid = n.oid
        UNION ALL
        SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, i.inhparent, false
        FROM pg_catalog.pg_inherits AS i
        WHERE n.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND i.inhrelid = n.oid) AS up),
tables AS MATERIALIZED (
    SELECT n.of_class, n.of_oid, n.oid, pg_catalog.bool_or(n.by_key) AS by_key
    FROM reached AS n WHERE n.class = 'pg_catalog.pg_class'::pg_catalog.regclass GROUP BY 1, 2, 3),
found AS (
    SELECT r.oid AS root, t.of_class, t.of_oid, CASE WHEN t.by_key THEN 'key' ELSE 'expression' END AS by
    FROM pg_catalog.unnest($1) AS r (oid) JOIN tables AS t ON t.oid = r.oid
    UNION
    SELECT d.root, t.of_class, t.of_oid, 'detached'
    FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3)) AS d (oid, root) JOIN tables AS t ON t.oid = d.oid
    UNION
    -- ATTACH looks up what the new partition references, DETACH who references it: both as queries of the session.
    SELECT r.oid, t.of_class, t.of_oid, 'referenced'
    FROM tables AS t
    JOIN pg_catalog.pg_constraint AS k ON k.confrelid = t.oid AND k.contype = 'f'
    JOIN pg_catalog.unnest($1) AS r (oid) ON r.oid = k.conrelid
    UNION
    SELECT r.oid, t.of_class, t.of_oid, 'referencing'
    FROM tables AS t
    JOIN pg_catalog.pg_constraint AS k ON k.conrelid = t.oid AND k.contype = 'f'
    JOIN pg_catalog.unnest($1) AS r (oid) ON r.oid = k.confrelid
    UNION
    SELECT r.oid, code.class, code.oid, 'event trigger'
    FROM code
    JOIN pg_catalog.pg_event_trigger AS e ON e.evtfoid = code.oid AND e.evtenabled IN ('O', 'A')
    CROSS JOIN pg_catalog.unnest($1) AS r (oid)
    WHERE code.class = 'pg_catalog.pg_proc'::pg_catalog.regclass)
SELECT f.root, f.by, code.class = 'pg_catalog.pg_proc'::pg_catalog.regclass,
       CASE code.class WHEN 'pg_catalog.pg_proc'::pg_catalog.regclass THEN code.oid::pg_catalog.regprocedure::pg_catalog.text
                       ELSE pg_catalog.format_type(code.oid, NULL) END,
       pg_catalog.pg_get_userbyid(code.owner),
       coalesce(pg_catalog.pg_has_role(code.owner, c.relowner, me.becomes), false)
FROM me, found AS f
JOIN code ON code.class = f.of_class AND code.oid = f.of_oid
JOIN pg_catalog.pg_class AS c ON c.oid = f.root
