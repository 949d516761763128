-- The table was only ever a DEFAULT partition: rows older than `keep`, in wanted windows, and without a window.
CREATE TABLE delivery (id int, at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE delivery_default PARTITION OF delivery DEFAULT;
INSERT INTO delivery SELECT g, '2026-11-30 00:00+00'::timestamptz - g * interval '1 day' FROM generate_series(2, 400) g;
