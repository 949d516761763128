CREATE SEQUENCE numbers;
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE DOMAIN short AS text CHECK (length(VALUE) < 9);
CREATE TABLE items (
  id bigint NOT NULL DEFAULT nextval('numbers'),
  at timestamptz NOT NULL DEFAULT now(),
  price numeric(10, 2) CONSTRAINT price_is_positive CHECK (price > 0),
  gross numeric GENERATED ALWAYS AS (price * 1.19) STORED,
  body text COLLATE "C",
  blob bytea COMPRESSION pglz,
  tags text[] NOT NULL DEFAULT '{}',
  mood mood DEFAULT 'good',
  code short,
  PRIMARY KEY (id, at),
  CONSTRAINT sane CHECK (at > '2000-01-01 00:00+00' AND price < 1000000)
) PARTITION BY RANGE (at);
ALTER TABLE items ALTER COLUMN body SET STORAGE EXTERNAL, ALTER COLUMN blob SET STORAGE MAIN;
ALTER TABLE items ALTER COLUMN body SET STATISTICS 500, ALTER COLUMN tags SET STATISTICS 0;
CREATE UNIQUE INDEX items_code ON items (code, at) INCLUDE (price) WITH (fillfactor = 80);
CREATE INDEX items_lower ON items (lower(body), at DESC NULLS LAST) WHERE price > 10;
CREATE INDEX items_tags ON items USING gin (tags);
CREATE STATISTICS items_related (dependencies, ndistinct) ON body, mood FROM items;
COMMENT ON TABLE items IS 'the parent''s own words';
COMMENT ON COLUMN items.body IS 'what it says';
CREATE TRIGGER each_row BEFORE INSERT OR UPDATE OF body ON items FOR EACH ROW WHEN (NEW.body IS NOT NULL) EXECUTE FUNCTION stamp();
CREATE TRIGGER each_row_off AFTER DELETE ON items FOR EACH ROW EXECUTE FUNCTION stamp();
ALTER TABLE items DISABLE TRIGGER each_row_off;
CREATE TRIGGER each_statement AFTER INSERT ON items EXECUTE FUNCTION stamp();
CREATE TABLE items_march PARTITION OF items FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
