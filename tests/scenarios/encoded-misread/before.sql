-- Seconds, which the policy takes for milliseconds: by its reading all of it would be of 1970.
CREATE TABLE events (at bigint NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_13 PARTITION OF events FOR VALUES FROM (1773360000) TO (1773446400);
CREATE TABLE events_14 PARTITION OF events FOR VALUES FROM (1773446400) TO (1773532800);
INSERT INTO events VALUES (1773446401);
