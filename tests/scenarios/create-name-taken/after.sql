CREATE TABLE events_202603_2 PARTITION OF events FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE events_202604_3 PARTITION OF events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE TABLE a_name_of_sixty_three_bytes_which_is_all_that_the_ser_p202603_2 PARTITION OF a_name_of_sixty_three_bytes_which_is_all_that_the_server_keeps_
  FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
