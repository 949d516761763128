//! `pgstrata import` on sets that people and other tools made: what it writes is valid, wants nothing changed, and
//! carries their names on.

use serde_json::Value;

use crate::support::place::{Place, Ran};

/// A set with four windows before the current one and `ahead` after it, named by `to_char` in UTC.
pub(crate) fn set(table: &str, key: &str, unit: &str, ahead: i32, format: &str) -> String {
    // date_trunc knows weeks and quarters; an interval of a quarter is spelled in months.
    let step = if unit == "quarter" { "3 months".to_owned() } else { format!("1 {unit}") };
    let zoned = if key == "timestamptz" { " AT TIME ZONE 'UTC'" } else { "" };
    format!(
        "CREATE TABLE {table} (at {key} NOT NULL, what text) PARTITION BY RANGE (at);
         DO $$ DECLARE begins timestamp := date_trunc('{unit}', now() AT TIME ZONE 'UTC'); low timestamp; BEGIN
           FOR n IN -4 .. {ahead} LOOP
             low := begins + n * interval '{step}';
             EXECUTE format('CREATE TABLE %s PARTITION OF {table} FOR VALUES FROM (%L) TO (%L)',
               '{table}' || to_char(low, '{format}'), (low{zoned})::{key}, ((low + interval '{step}'){zoned})::{key});
           END LOOP;
         END $$;"
    )
}

/// A database, and what `import` wrote for it.
pub(crate) struct Imported {
    pub(crate) place: Place,
    pub(crate) policy: String,
    pub(crate) said: Ran,
}

/// What is made and looked at in one hour must not be judged in the next.
pub(crate) fn clear_of_the_hour() {
    let into = jiff::Timestamp::now().as_second().rem_euclid(3600);
    if into > 3540 {
        std::thread::sleep(std::time::Duration::from_secs(3601 - into.unsigned_abs()));
    }
}

pub(crate) fn imported(name: &str, sql: &str, args: &[&str]) -> Imported {
    clear_of_the_hour();
    // Whatever zone the machine is in.
    let utc = "SET TimeZone = 'UTC'; DO $$ BEGIN
        EXECUTE format('ALTER DATABASE %I SET TimeZone = %L', current_database(), 'UTC'); END $$;";
    let place = Place::new(name, &format!("{utc}{sql}"), "");
    let said = place.run(&[&["import", "--out", "pgstrata.yaml", "--force"], args].concat(), 0);
    let policy = place.read("pgstrata.yaml");
    let checked = place.run(&["validate"], 0);
    assert_eq!(checked.stderr, "", "{policy}");
    Imported { place, policy, said }
}

impl Imported {
    pub(crate) fn plan(&self, args: &[&str]) -> Value {
        let plan = self.place.run(&[&["plan", "--format", "json"], args].concat(), 0);
        serde_json::from_str(&plan.stdout).unwrap()
    }

    /// The plan for now wants nothing at all.
    pub(crate) fn wants_nothing(&self) {
        let plan = self.plan(&[]);
        let steps: Vec<&Value> = plan["steps"].as_array().unwrap().iter().map(|step| &step["id"]).collect();
        assert!(steps.is_empty(), "{}\n{steps:?}", self.policy);
    }

    /// Lines of the policy without comments, those of one table.
    pub(crate) fn says(&self, table: &str, lines: &[&str]) {
        let bare = bare(&self.policy);
        let found = bare.split_once(&format!("  {table}:\n")).unwrap_or_else(|| panic!("{table}:\n{}", self.policy)).1;
        let found: Vec<&str> = found.lines().take_while(|line| line.starts_with("    ")).map(str::trim).collect();
        assert_eq!(found, lines, "{table}\n{}", self.policy);
    }

    pub(crate) fn sql(&self, sql: &str) -> String {
        self.place.db.client().query_one(sql, &[]).unwrap().get(0)
    }
}

/// Without comments, and what stands before them.
pub(crate) fn bare(policy: &str) -> String {
    let lines = policy.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.map(|line| format!("{}\n", line.split("   #").next().unwrap())).collect()
}

/// Every convention of the tools, by its unit, as `to_char` writes it, and as a template does.
const CONVENTIONS: [(&str, &str, &str); 26] = [
    // pg_partman 5
    ("hour", r#""_p"YYYYMMDD"_"HH24MISS"#, ""),
    ("day", r#""_p"YYYYMMDD"#, ""),
    ("week", r#""_p"YYYYMMDD"#, ""),
    ("month", r#""_p"YYYYMMDD"#, ""),
    ("year", r#""_p"YYYYMMDD"#, ""),
    // pg_partman 4, Citus
    ("hour", r#""_p"YYYY"_"MM"_"DD"_"HH24MI"#, "{table}_p{start:%Y_%m_%d_%H%M}"),
    ("day", r#""_p"YYYY"_"MM"_"DD"#, "{table}_p{start:%Y_%m_%d}"),
    ("week", r#""_p"IYYY"w"IW"#, "{table}_p{start:%Gw%V}"),
    ("month", r#""_p"YYYY"_"MM"#, "{table}_p{start:%Y_%m}"),
    ("quarter", r#""_p"YYYY"q"Q"#, "{table}_p{start:%Yq%q}"),
    ("year", r#""_p"YYYY"#, "{table}_p{start:%Y}"),
    // pgslice, GitLab, gopartman
    ("day", r#""_"YYYYMMDD"#, "{table}_{start:%Y%m%d}"),
    ("week", r#""_"YYYYMMDD"#, "{table}_{start:%Y%m%d}"),
    ("month", r#""_"YYYYMM"#, "{table}_{start:%Y%m}"),
    ("year", r#""_"YYYY"#, "{table}_{start:%Y}"),
    // PPM
    ("day", r#""_"YYYY"_"MM"_"DD"#, "{table}_{start:%Y_%m_%d}"),
    ("week", r#""_"IYYY"_w"IW"#, "{table}_{start:%G_w%V}"),
    ("month", r#""_"YYYY"_"MM"#, "{table}_{start:%Y_%m}"),
    ("quarter", r#""_"YYYY"_q"Q"#, "{table}_{start:%Y_q%q}"),
    // pg-partsmith
    ("hour", r#""__"YYYY"_"MM"_"DD"_"HH24"#, "{table}__{start:%Y_%m_%d_%H}"),
    ("day", r#""__"YYYY"_"MM"_"DD"#, "{table}__{start:%Y_%m_%d}"),
    ("week", r#""__"IYYY"_w"IW"#, "{table}__{start:%G_w%V}"),
    ("quarter", r#""__"YYYY"_q"Q"#, "{table}__{start:%Y_q%q}"),
    // By hand, as the PostgreSQL documentation does
    ("month", r#""_y"YYYY"m"MM"#, "{table}_y{start:%Ym%m}"),
    ("day", r#""_y"YYYY"m"MM"d"DD"#, "{table}_y{start:%Ym%md%d}"),
    ("month", r#""-"YYYY"-"MM"#, "{table}-{start:%Y-%m}"),
];

#[test]
fn every_convention_is_carried_on_for_every_kind_of_key() {
    for (key, kind) in [("tz", "timestamptz"), ("ts", "timestamp"), ("date", "date")] {
        let mut sql = String::new();
        let mut expected = Vec::new();
        for (at, (unit, format, template)) in CONVENTIONS.into_iter().enumerate() {
            if unit == "hour" && kind == "date" {
                continue;
            }
            let table = format!("s{at}");
            // Two days ahead is what validation wants at least.
            let ahead = if unit == "hour" { 50 } else { 4 };
            let quoted = set(&table, kind, unit, ahead, format).replace("CREATE TABLE %s", "CREATE TABLE %I");
            sql.push_str(&quoted);
            expected.push((table, unit, format, template, ahead));
        }
        let imported = imported(&format!("import_conventions_{key}"), &sql, &[]);
        imported.wants_nothing();
        for (table, unit, _, template, ahead) in &expected {
            let premake = format!("premake: {ahead}");
            let interval = format!("interval: 1 {unit}");
            let name = format!("name: \"{template}\"");
            let mut lines = vec!["partition:", "key: at", &interval];
            lines.extend((kind != "timestamptz").then_some("timezone: UTC"));
            lines.push(&premake);
            lines.extend((!template.is_empty()).then_some(name.as_str()));
            imported.says(&format!("public.{table}"), &lines);
        }
        // The next window of each is made under the name that its makers would have given it.
        for (table, unit, format, _, ahead) in &expected {
            let step = if *unit == "quarter" { "3 months".to_owned() } else { format!("1 {unit}") };
            let instant = |windows: i32| {
                format!("date_trunc('{unit}', now() AT TIME ZONE 'UTC') + {windows} * interval '{step}'")
            };
            let later = imported.sql(&format!("SELECT to_char({}, 'YYYY-MM-DD\"T\"HH24:MI:SSZ')", instant(1)));
            let name = imported.sql(&format!("SELECT '{table}' || to_char({}, '{format}')", instant(ahead + 1)));
            let plan = imported.plan(&["--table", &format!("public.{table}"), "--now", &later]);
            let ids: Vec<&str> =
                plan["steps"].as_array().unwrap().iter().filter_map(|step| step["id"].as_str()).collect();
            let quoted = if name.contains('-') { format!("\"{name}\"") } else { name.clone() };
            assert_eq!(ids, [format!("create public.{quoted}")], "{table}");
        }
    }
}

#[test]
fn ids_epochs_odd_phases_and_local_months_made_by_hand() {
    let sql = r#"
        CREATE TABLE ids (id bigint PRIMARY KEY) PARTITION BY RANGE (id);
        DO $$ BEGIN FOR n IN 0 .. 5 LOOP EXECUTE format('CREATE TABLE %I PARTITION OF ids FOR VALUES FROM (%s) TO (%s)',
            'ids_' || n * 1000, n * 1000, (n + 1) * 1000); END LOOP; END $$;
        INSERT INTO ids SELECT generate_series(0, 3500);
        CREATE TABLE epochs (at_ms bigint NOT NULL) PARTITION BY RANGE (at_ms);
        CREATE TABLE locals (at timestamptz NOT NULL) PARTITION BY RANGE (at);
        CREATE TABLE sundays (day date NOT NULL) PARTITION BY RANGE (day);
        CREATE TABLE fiscal (at timestamp NOT NULL) PARTITION BY RANGE (at);
        DO $$ DECLARE month timestamp := date_trunc('month', now() AT TIME ZONE 'Europe/Berlin'); low timestamp; BEGIN
          FOR n IN -14 .. 3 LOOP
            low := date_trunc('month', now() AT TIME ZONE 'UTC') + n * interval '1 month';
            EXECUTE format('CREATE TABLE %I PARTITION OF epochs FOR VALUES FROM (%s) TO (%s)', to_char(low, '"epochs_"YYYYMM'),
              extract(epoch FROM low AT TIME ZONE 'UTC')::bigint * 1000,
              extract(epoch FROM (low + interval '1 month') AT TIME ZONE 'UTC')::bigint * 1000);
            low := month + n * interval '1 month';
            EXECUTE format('CREATE TABLE %I PARTITION OF locals FOR VALUES FROM (%L) TO (%L)', to_char(low, '"locals_"YYYYMM'),
              low AT TIME ZONE 'Europe/Berlin', (low + interval '1 month') AT TIME ZONE 'Europe/Berlin');
          END LOOP;
          FOR n IN -6 .. 4 LOOP
            low := date_trunc('week', now() AT TIME ZONE 'UTC') - interval '1 day' + n * interval '7 days';
            EXECUTE format('CREATE TABLE %I PARTITION OF sundays FOR VALUES FROM (%L) TO (%L)',
              to_char(low, '"sundays_"YYYYMMDD'), low, low + interval '7 days');
          END LOOP;
          FOR n IN -4 .. 2 LOOP
            low := date_trunc('year', now() AT TIME ZONE 'UTC' - interval '3 months') + interval '3 months' + n * interval '1 year';
            EXECUTE format('CREATE TABLE %I PARTITION OF fiscal FOR VALUES FROM (%L) TO (%L)',
              to_char(low, '"fiscal_fy"YYYY'), low, low + interval '1 year');
          END LOOP; END $$;"#;
    let imported = imported("import_by_hand", sql, &[]);
    imported
        .says("public.ids", &["partition:", "key: id", "interval: 1000", "premake: 2", r#"name: "{table}_{start}""#]);
    let name = r#"name: "{table}_{start:%Y%m}""#;
    let epochs = ["partition:", "key: at_ms", "interval: 1 month", "encoding: epoch_ms", "premake: 3", name];
    imported.says("public.epochs", &epochs);
    let locals = ["partition:", "key: at", "interval: 1 month", "timezone: Europe/Berlin", "premake: 3", name];
    imported.says("public.locals", &locals);
    let sundays = imported.policy.split("public.sundays:").nth(1).unwrap();
    assert!(sundays.contains("anchor: 2000-01-02   # weeks begin on Sunday"), "{sundays}");
    assert!(
        sundays.contains("timezone: UTC   # check: the zone that the values are in; the database's TimeZone is UTC")
    );
    let fiscal = imported.policy.split("public.fiscal:").nth(1).unwrap();
    assert!(fiscal.contains("anchor: 2000-04-01   # years begin in April"), "{fiscal}");
    assert!(fiscal.contains(r#"name: "{table}_fy{start:%Y}""#), "{fiscal}");
    imported.wants_nothing();
}
