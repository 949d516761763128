/* pgstrata inspect */
-- What goes along with each of these tables ($1), and what depends on any of that and does not: there a DROP … RESTRICT
-- stops. The parts of a foreign key that each partition has go with the detach.
WITH RECURSIVE gone(root, classid, objid) AS (
    SELECT o, 'pg_catalog.pg_class'::regclass::oid, o FROM unnest($1) AS o
    UNION
    SELECT g.root, d.classid, d.objid
    FROM gone AS g
    JOIN pg_catalog.pg_depend AS d ON d.refclassid = g.classid AND d.refobjid = g.objid
    WHERE d.deptype IN ('a', 'i', 'P', 'S') AND d.objsubid = 0)
SELECT DISTINCT g.root,
       coalesce(r.ev_class, f.conrelid, a.adrelid, p.polrelid, t.tgrelid,
                CASE WHEN d.classid = 'pg_catalog.pg_class'::regclass THEN d.objid END),
       CASE WHEN r.ev_class IS NOT NULL THEN pg_describe_object('pg_catalog.pg_class'::regclass, r.ev_class, 0)
            ELSE pg_describe_object(d.classid, d.objid, d.objsubid) END,
       CASE WHEN s.oid IS NOT NULL THEN pg_describe_object('pg_catalog.pg_class'::regclass, s.oid, 0) END
FROM gone AS g
JOIN pg_catalog.pg_depend AS d ON d.refclassid = g.classid AND d.refobjid = g.objid AND d.deptype = 'n'
LEFT JOIN pg_catalog.pg_rewrite AS r ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND r.oid = d.objid
LEFT JOIN pg_catalog.pg_constraint AS f ON d.classid = 'pg_catalog.pg_constraint'::regclass AND f.oid = d.objid
LEFT JOIN pg_catalog.pg_attrdef AS a ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND a.oid = d.objid
LEFT JOIN pg_catalog.pg_policy AS p ON d.classid = 'pg_catalog.pg_policy'::regclass AND p.oid = d.objid
LEFT JOIN pg_catalog.pg_trigger AS t ON d.classid = 'pg_catalog.pg_trigger'::regclass AND t.oid = d.objid
LEFT JOIN pg_catalog.pg_class AS s ON g.classid = 'pg_catalog.pg_class'::regclass AND s.oid = g.objid AND s.relkind = 'S'
WHERE coalesce(f.conparentid, 0) = 0
  AND NOT EXISTS (SELECT FROM gone AS h WHERE h.root = g.root AND h.classid = d.classid AND h.objid = d.objid)
  AND NOT EXISTS (SELECT FROM gone AS h WHERE h.root = g.root AND h.classid = 'pg_catalog.pg_class'::regclass
                  AND h.objid IN (r.ev_class, f.conrelid, a.adrelid, p.polrelid, t.tgrelid))
