-- Marked and pending, its time over, without grace: finalized, stamped and dropped in one run.
ALTER TABLE events DETACH PARTITION events_dec FINALIZE;
DROP TABLE events_dec;
ALTER TABLE events DETACH PARTITION events_jan;
DROP TABLE events_jan;
