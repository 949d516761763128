-- The last window has begun, beside a default partition that holds no row of it.
CREATE TABLE reading (id smallint NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE reading_p31000 PARTITION OF reading FOR VALUES FROM (31000) TO (32000);
CREATE TABLE reading_p32000 PARTITION OF reading FOR VALUES FROM (32000) TO (32767);
CREATE TABLE reading_rest PARTITION OF reading DEFAULT;
INSERT INTO reading VALUES (31500), (32100), (-7);
