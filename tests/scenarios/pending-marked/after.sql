ALTER TABLE events DETACH PARTITION events_dec FINALIZE;
ALTER TABLE events DETACH PARTITION events_jan;
DROP TABLE events_dec, events_jan;
