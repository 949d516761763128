ALTER TABLE zentry DETACH PARTITION zentry_jan;
DROP TABLE zentry_jan;
ALTER TABLE invoice DETACH PARTITION invoice_jan;
DROP TABLE invoice_jan;
