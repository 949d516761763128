-- Everything about user tables that a partition can get wrong, as text without OIDs. Marker times are masked by the caller.
WITH rel AS (
  SELECT c.*, format('%I.%I', n.nspname, c.relname) AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
)
SELECT line FROM (
  SELECT name, 1 AS part, format('%s %s owner %s tablespace %s options %s acl %s rls %s%s identity %s persistence %s', name, relkind,
      pg_get_userbyid(relowner), coalesce((SELECT spcname FROM pg_tablespace t WHERE t.oid = reltablespace), '-'),
      coalesce(array_to_string((SELECT array_agg(o ORDER BY o) FROM unnest(reloptions) o), ' '), '-'),
      coalesce((SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(relacl) a), '-'),
      relrowsecurity, relforcerowsecurity, relreplident, relpersistence) AS line
  FROM rel
  UNION ALL
  SELECT name, 2, format('%s partition of %s %s%s', name, i.inhparent::regclass, pg_get_expr(relpartbound, oid), CASE WHEN i.inhdetachpending THEN ' pending' ELSE '' END)
  FROM rel JOIN pg_inherits i ON i.inhrelid = oid
  UNION ALL
  SELECT name, 3, format('%s column %s %s%s default %s identity %s generated %s storage %s compression %s stats %s acl %s', name, a.attname,
      format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN ' not null' ELSE '' END,
      coalesce(pg_get_expr(d.adbin, d.adrelid), '-'), a.attidentity, a.attgenerated, a.attstorage, a.attcompression,
      CASE WHEN a.attstattarget IS NULL OR a.attstattarget < 0 THEN '-' ELSE a.attstattarget::text END, coalesce(a.attacl::text, '-'))
  FROM rel JOIN pg_attribute a ON a.attrelid = rel.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  UNION ALL
  SELECT name, 4, format('%s constraint %s %s inherited %s', name, k.conname, pg_get_constraintdef(k.oid), k.coninhcount)
  FROM rel JOIN pg_constraint k ON k.conrelid = rel.oid AND k.contype <> 'n'
  UNION ALL
  SELECT name, 5, format('%s index %s parent %s valid %s', name, pg_get_indexdef(x.indexrelid), coalesce((SELECT i.inhparent::regclass::text FROM pg_inherits i WHERE i.inhrelid = x.indexrelid), '-'), x.indisvalid)
    || CASE WHEN x.indisreplident THEN ' replica identity' ELSE '' END
  FROM rel JOIN pg_index x ON x.indrelid = rel.oid
  UNION ALL
  SELECT name, 6, format('%s policy %s %s %s using %s check %s', name, p.polname, p.polcmd, p.polpermissive, coalesce(pg_get_expr(p.polqual, p.polrelid), '-'), coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '-'))
  FROM rel JOIN pg_policy p ON p.polrelid = rel.oid
  UNION ALL
  SELECT name, 7, format('%s trigger %s %s', name, t.tgname, t.tgenabled) FROM rel JOIN pg_trigger t ON t.tgrelid = rel.oid AND NOT t.tgisinternal
  UNION ALL
  SELECT name, 8, format('%s comment %s', name, d.description)
  FROM rel JOIN pg_description d ON d.objoid = rel.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
) AS everything
ORDER BY name, part, line
