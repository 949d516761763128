SET ROLE scenario_member_owner;
CREATE TABLE app.events_p20260401 PARTITION OF app.events FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
DROP TABLE app.events_dec;
RESET ROLE;
DROP TABLE app.events_jan;
