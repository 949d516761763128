-- Everything about user tables that a partition can get wrong, as text without OIDs. Marker times are masked by the caller.
WITH rel AS (
  SELECT c.*, format('%I.%I', n.nspname, c.relname) AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
)
SELECT line FROM (
  SELECT name, 1 AS part, format('%s %s owner %s tablespace %s options %s toast %s acl %s rls %s%s identity %s persistence %s', name, relkind,
      pg_get_userbyid(relowner), coalesce((SELECT spcname FROM pg_tablespace t WHERE t.oid = reltablespace), '-'),
      coalesce(array_to_string((SELECT array_agg(o ORDER BY o) FROM unnest(reloptions) o), ' '), '-'),
      coalesce(array_to_string((SELECT array_agg(o ORDER BY o) FROM pg_class t, unnest(t.reloptions) o WHERE t.oid = reltoastrelid), ' '), '-'),
      coalesce((SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(relacl) a), '-'),
      relrowsecurity, relforcerowsecurity, relreplident, relpersistence) AS line
  FROM rel
  UNION ALL
  SELECT name, 2, format('%s partition of %s %s%s', name, i.inhparent::regclass, pg_get_expr(relpartbound, oid), CASE WHEN i.inhdetachpending THEN ' pending' ELSE '' END)
  FROM rel JOIN pg_inherits i ON i.inhrelid = oid
  UNION ALL
  SELECT name, 3, format('%s column %s %s%s collation %s default %s identity %s generated %s storage %s compression %s stats %s options %s acl %s local %s inherited %s', name, a.attname,
      format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN ' not null' ELSE '' END, a.attcollation::regcollation,
      coalesce(pg_get_expr(d.adbin, d.adrelid), '-'), a.attidentity, a.attgenerated, a.attstorage, a.attcompression,
      CASE WHEN a.attstattarget IS NULL OR a.attstattarget < 0 THEN '-' ELSE a.attstattarget::text END,
      coalesce(a.attoptions::text, '-'), coalesce((SELECT string_agg(i::text, ' ' ORDER BY i::text) FROM unnest(a.attacl) i), '-'), a.attislocal, a.attinhcount)
  FROM rel JOIN pg_attribute a ON a.attrelid = rel.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  UNION ALL
  SELECT name, 4, format('%s constraint %s %s validated %s local %s inherited %s parent %s', name, k.conname, pg_get_constraintdef(k.oid), k.convalidated,
      k.conislocal, k.coninhcount, coalesce((SELECT p.conname FROM pg_constraint p WHERE p.oid = k.conparentid), '-'))
  FROM rel JOIN pg_constraint k ON k.conrelid = rel.oid
  UNION ALL
  SELECT name, 5, format('%s index %s parent %s valid %s tablespace %s', name, pg_get_indexdef(x.indexrelid), coalesce((SELECT i.inhparent::regclass::text FROM pg_inherits i WHERE i.inhrelid = x.indexrelid), '-'), x.indisvalid,
      coalesce((SELECT t.spcname FROM pg_class c JOIN pg_tablespace t ON t.oid = c.reltablespace WHERE c.oid = x.indexrelid), '-'))
    || CASE WHEN x.indisreplident THEN ' replica identity' ELSE '' END
    || coalesce(' comment ' || obj_description(x.indexrelid, 'pg_class'), '')
    || coalesce((SELECT string_agg(format(' target %s of column %s', a.attstattarget, a.attnum), '' ORDER BY a.attnum)
                 FROM pg_attribute a WHERE a.attrelid = x.indexrelid AND a.attstattarget >= 0), '')
  FROM rel JOIN pg_index x ON x.indrelid = rel.oid
  UNION ALL
  SELECT name, 6, format('%s policy %s %s %s to %s using %s check %s', name, p.polname, p.polcmd, p.polpermissive,
      (SELECT string_agg(CASE WHEN r = 0 THEN 'public' ELSE pg_get_userbyid(r)::text END, ' ' ORDER BY r) FROM unnest(p.polroles) r),
      coalesce(pg_get_expr(p.polqual, p.polrelid), '-'), coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '-'))
  FROM rel JOIN pg_policy p ON p.polrelid = rel.oid
  UNION ALL
  -- 14 shows the copies of a parent's triggers as internal.
  SELECT name, 7, format('%s trigger %s %s', name, pg_get_triggerdef(t.oid), t.tgenabled)
  FROM rel JOIN pg_trigger t ON t.tgrelid = rel.oid AND t.tgconstraint = 0 AND (NOT t.tgisinternal OR t.tgparentid <> 0)
  UNION ALL
  SELECT name, 8, format('%s%s comment %s', name, '.' || (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = rel.oid AND a.attnum = d.objsubid AND d.objsubid > 0), d.description)
  FROM rel JOIN pg_description d ON d.objoid = rel.oid AND d.classoid = 'pg_class'::regclass
  UNION ALL
  SELECT name, 9, format('%s statistics %s', name, pg_get_statisticsobjdef(s.oid)) FROM rel JOIN pg_statistic_ext s ON s.stxrelid = rel.oid
  UNION ALL
  SELECT name, 10, format('%s in publication %s', name, p.pubname)
  FROM rel JOIN pg_publication_tables p ON format('%I.%I', p.schemaname, p.tablename) = name
  UNION ALL
  -- Rows that a partition still has, counted where they are.
  SELECT name, 11, format('%s rows %s', name, (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM ONLY %s', name), false, true, '')))[1])
  FROM rel WHERE relkind = 'r'
  UNION ALL
  SELECT '', 12, format('connection limit %s', datconnlimit) FROM pg_database WHERE datname = current_database() AND datconnlimit >= 0
  UNION ALL
  SELECT '', 13, format('role %s in this database %s', r.rolname, e)
  FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) e
  WHERE d.datname = current_database()
) AS everything
ORDER BY name, part, line
