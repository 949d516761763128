CREATE TABLESPACE index_differs_otherwise LOCATION ''
