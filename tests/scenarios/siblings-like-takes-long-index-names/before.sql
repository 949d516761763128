CREATE TABLE a_table_with_a_name_that_takes_nearly_all_of_the_room
    (id bigint, at timestamptz NOT NULL, v int, w int, note text, PRIMARY KEY (id, at), UNIQUE (v, w, at)) PARTITION BY RANGE (at);
CREATE TABLE first_one PARTITION OF a_table_with_a_name_that_takes_nearly_all_of_the_room
    FOR VALUES FROM ('2026-11-01 00:00+00') TO ('2026-12-01 00:00+00');
CREATE INDEX a_table_with_a_name_that_takes_nearly_all_of_the_room_lower_idx
    ON a_table_with_a_name_that_takes_nearly_all_of_the_room (lower(note));
