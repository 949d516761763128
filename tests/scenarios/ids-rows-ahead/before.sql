-- One absurd id in a partition made by hand: the premake and the retention follow the others.
CREATE TABLE events (id bigint PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE events_p0 PARTITION OF events FOR VALUES FROM (0) TO (1000);
CREATE TABLE events_p1000 PARTITION OF events FOR VALUES FROM (1000) TO (2000);
CREATE TABLE events_far PARTITION OF events FOR VALUES FROM (5000000) TO (6000000);
INSERT INTO events VALUES (1), (1500), (5555555);
