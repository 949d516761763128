DROP TABLE quiet_oct;
DROP TABLE never_used_nov;
