CREATE TABLE for_90_days (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE starts_later (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE starts_too_early (at timestamptz NOT NULL) PARTITION BY RANGE (at);
