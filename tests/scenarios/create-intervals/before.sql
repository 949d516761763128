CREATE TABLE hourly (at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE daily (on_day date NOT NULL) PARTITION BY RANGE (on_day);
CREATE TABLE weekly (at timestamp NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE fortnightly (at timestamp(0) NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE quarterly (at timestamptz(3) NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE yearly (on_day date NOT NULL) PARTITION BY RANGE (on_day);
