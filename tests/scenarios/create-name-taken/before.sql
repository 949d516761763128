CREATE TABLE events (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE VIEW events_202603 AS SELECT 1 AS one;
CREATE SEQUENCE events_202604;
CREATE TABLE events_202604_2 ();
CREATE TABLE events_202605 ();
CREATE TABLE events_202605_2 ();
CREATE TYPE events_202605_3 AS (one integer);
CREATE TABLE events_202605_4 ();
CREATE TABLE a_name_of_sixty_three_bytes_which_is_all_that_the_server_keeps_ (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE a_name_of_sixty_three_bytes_which_is_all_that_the_ser_p20260301 ();
CREATE TABLE a_name_of_sixty_three_bytes_which_is_all_that_the_ser_p20260401 PARTITION OF a_name_of_sixty_three_bytes_which_is_all_that_the_server_keeps_
  FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
