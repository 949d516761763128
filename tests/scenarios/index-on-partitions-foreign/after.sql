CREATE UNIQUE INDEX events_p20260301_id_idx ON events_p20260301 (id);
CREATE UNIQUE INDEX events_p20260401_id_idx ON events_p20260401 (id);
