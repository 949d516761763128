DROP TABLE events_dec;
