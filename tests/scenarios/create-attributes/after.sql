CREATE TABLE items_p20260401 PARTITION OF items FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00')
  WITH (autovacuum_vacuum_scale_factor = 0.02, fillfactor = 90, toast.autovacuum_enabled = false);
-- A plain PARTITION OF has neither: queries that go to the partition itself are planned as the parent's are.
ALTER TABLE items_p20260401 ALTER COLUMN body SET STATISTICS 500, ALTER COLUMN tags SET STATISTICS 0;
-- LIKE copies extended statistics and column comments, PARTITION OF does not.
CREATE STATISTICS items_p20260401_body_mood_stat (dependencies, ndistinct) ON body, mood FROM items_p20260401;
COMMENT ON COLUMN items_p20260401.body IS 'what it says';
-- The one that was there was made as PARTITION OF makes it.
ALTER TABLE items_march SET (autovacuum_vacuum_scale_factor = 0.02, fillfactor = 90, toast.autovacuum_enabled = false);
ALTER TABLE items_march ALTER COLUMN body SET STATISTICS 500, ALTER COLUMN tags SET STATISTICS 0;
