-- Of 483,647 keys after 2147000000 a whole window cannot be made: the last partition has no upper end.
CREATE TABLE message (id int NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE message_p2146000000 PARTITION OF message FOR VALUES FROM (2146000000) TO (2147000000);
INSERT INTO message VALUES (2146999990);
