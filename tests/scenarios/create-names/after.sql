CREATE TABLE "Odd ""Schema"".x"."Lög.Größe_p20260401" PARTITION OF "Odd ""Schema"".x"."Lög.Größe" FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
ALTER TABLE "Odd ""Schema"".x"."Lög.Größe" DETACH PARTITION "Odd ""Schema"".x"."Jän'26";
-- What a concurrent detach leaves behind.
ALTER TABLE "Odd ""Schema"".x"."Jän'26" ADD CHECK ("Zeit ""x"".y" IS NOT NULL AND "Zeit ""x"".y" >= '2026-01-01 00:00+00' AND "Zeit ""x"".y" < '2026-02-01 00:00+00');
COMMENT ON TABLE "Odd ""Schema"".x"."Jän'26" IS E'it''s \\ $pgstrata$\nand %s\npgstrata: retired {"root":"\\"Odd \\"\\"Schema\\"\\".x\\".\\"Lög.Größe\\"","root_oid":0,"oid":0,"from":"2026-01-01 00:00:00+00","to":"2026-02-01 00:00:00+00","detached_at":""}';
CREATE TABLE a_name_of_sixty_three_bytes_which_is_all_that_the_ser_p20260301 PARTITION OF a_name_of_sixty_three_bytes_which_is_all_that_the_server_keeps_ FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE a_name_of_sixty_three_bytes_which_is_all_that_the_ser_p20260401 PARTITION OF a_name_of_sixty_three_bytes_which_is_all_that_the_server_keeps_ FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
-- Cut at a character: 26 of two bytes each and a suffix of ten.
CREATE TABLE éééééééééééééééééééééééééé_p20260301 PARTITION OF ééééééééééééééééééééééééééééééé FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE éééééééééééééééééééééééééé_p20260401 PARTITION OF ééééééééééééééééééééééééééééééé FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
CREATE TABLE "select".table_p20260301 PARTITION OF "select"."table" FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');
CREATE TABLE "select".table_p20260401 PARTITION OF "select"."table" FOR VALUES FROM ('2026-04-01 00:00+00') TO ('2026-05-01 00:00+00');
