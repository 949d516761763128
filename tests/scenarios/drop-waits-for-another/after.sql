DROP TABLE zentry_dec, invoice_dec;
