DROP TABLE events_p0;
