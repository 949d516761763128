CREATE ROLE scenario_rows_reader;
