CREATE TABLESPACE index_temp_tablespaces LOCATION ''
