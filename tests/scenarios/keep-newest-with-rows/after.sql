DROP TABLE quiet_oct, quiet_dec;
DROP TABLE never_used_nov;
