DROP INDEX t_differs;
CREATE INDEX t_differs ON ONLY t (id) WHERE name IN ('n', 'm');
CREATE INDEX t_mar_differs ON t_mar (id) WHERE name IN ('n', 'm');
ALTER INDEX t_differs ATTACH PARTITION t_mar_differs;
