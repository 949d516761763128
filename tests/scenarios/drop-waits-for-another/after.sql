DROP TABLE zentry_dec;
