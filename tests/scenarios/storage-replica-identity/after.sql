ALTER TABLE app.events_jan REPLICA IDENTITY USING INDEX "January's";
ALTER TABLE app.events_feb REPLICA IDENTITY USING INDEX events_feb_id_at_idx;
ALTER TABLE app.events_apr REPLICA IDENTITY USING INDEX events_apr_id_at_idx;
