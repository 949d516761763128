-- The key may be NULL: the CHECK that spares the scan must say so, and is gone afterwards.
CREATE TABLE events (at timestamptz, body text) PARTITION BY RANGE (at);
CREATE TABLE events_rest PARTITION OF events DEFAULT;
INSERT INTO events VALUES (NULL, 'no time'), ('2001-01-01 00:00+00', 'long ago');
