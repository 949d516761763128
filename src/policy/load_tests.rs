//! Which variables a policy reads, and what many environments cost.

use super::super::source_map::work;
use super::*;

const TABLE: &str = "tables:\n  a.b:\n    partition: {key: at, interval: 1 month, timezone: UTC}\n";

fn policy(rest: &str) -> [Source; 1] {
    [Source::new("p.yaml", format!("version: 1\n{TABLE}{rest}"))]
}

/// What is said of a reference in the URL of the database, of PgBouncer, and in an expectation.
fn said(value: &str, variables: &[&str]) -> [Option<String>; 3] {
    let variables = variables.iter().map(|name| (*name).to_owned()).collect();
    let vars = |name: &str| Some(format!("of {name}"));
    let expects = policy(&format!("connection: {{expect: {{database: \"{value}\"}}}}\n"));
    let expected = load_with(&expects, None, &variables, &vars).err().map(|errors| errors[0].to_string());
    let urls =
        policy(&format!("connection: {{url: \"{value}\"}}\nlimits: {{pgbouncer: {{admin_url: \"{value}\"}}}}\n"));
    let (policy, _) = load_with(&urls, None, &variables, &vars).unwrap();
    let [url, admin] = [policy.connection_url(&vars), policy.pgbouncer_admin_url(&vars)];
    [url.err().map(|error| error.to_string()), admin.err().map(|error| error.to_string()), expected]
}

#[test]
fn a_policy_reads_only_what_it_may() {
    for name in ["HOME", "AWS_REGION", "CI_JOB_ID", "X_URL"] {
        for error in said(&format!("${{{name}}}"), &[]) {
            assert!(
                error
                    .unwrap()
                    .ends_with(&format!("a policy does not read `{name}`: only PG*, DATABASE_* and PGSTRATA_*"))
            );
        }
    }
    assert_eq!(said("${AWS_REGION}-${PGDATABASE:-x}", &["AWS_REGION"]), [None, None, None]);
    // Which default it has changes nothing, nor where the reference stands.
    assert!(said("${PGDATABASE}${HOME:-x}", &[]).iter().all(Option::is_some));
}

#[test]
fn a_secret_is_the_whole_value_of_an_url() {
    for name in ["DATABASE_URL", "PGPASSWORD", "PGSTRATA_DB_TOKEN", "PGBOUNCER_URL", "DATABASE_SECRET_2"] {
        let [url, admin, expected] = said(&format!("${{{name}}}"), &[]);
        assert_eq!((url, admin), (None, None), "{name}");
        assert!(expected.unwrap().starts_with("connection.expect.database: `"), "{name}");
        for part in [
            format!("postgresql://u:${{{name}}}@h/d"),
            format!("${{{name}}}?sslmode=require"),
            format!("${{{name}}}${{PGHOST}}"),
        ] {
            for error in said(&part, &[]) {
                let error = error.unwrap();
                assert!(
                    error.ends_with(&format!("`{name}` is a secret: it can only be the whole value of a URL")),
                    "{error}"
                );
            }
        }
    }
    let [.., expected] = said("${MY_TOKEN}", &["MY_TOKEN"]);
    assert!(expected.unwrap().contains("is a secret"), "to be allowed makes it none");
}

fn many(environments: usize) -> [Source; 1] {
    let mut text = "environments:\n".to_owned();
    for at in 0..environments {
        text.push_str(&format!("  e{at}:\n    tables: {{a.b: {{retention: {{keep: {} days}}}}}}\n", at + 40));
    }
    policy(&text)
}

#[test]
fn environments_are_read_once_each() {
    let cost = |environments: usize| {
        work::taken();
        let all = load_all(&many(environments), &BTreeSet::new(), &|_| None).unwrap();
        assert_eq!(all.len(), environments);
        work::taken()
    };
    for (name, loaded) in load_all(&many(10), &BTreeSet::new(), &|_| None).unwrap() {
        let (one, places) = loaded.unwrap();
        let (alone, its_places) = load(&many(10), name.as_deref(), &|_| None).unwrap();
        assert_eq!(one.resolve(), alone.resolve());
        let path = PolicyPath::of(["tables", "a.b", "retention", "keep"]);
        assert!(places.exactly(&path).is_some() && places.exactly(&path) == its_places.exactly(&path));
    }
    let (hundred, two_hundred) = (cost(100), cost(200));
    assert!(two_hundred < hundred * 23 / 10, "{hundred} for 100 environments, {two_hundred} for 200");
}

#[test]
fn an_environment_that_is_wrong_is_wrong_by_itself() {
    let text = "environments:\n  good: {tables: {a.b: {retention: {keep: 1 year}}}}\n  bad: {tables: {a.b: {retention: 7}}}\n  worse: 3\n";
    let all = load_all(&policy(text), &BTreeSet::new(), &|_| None).unwrap();
    let wrong: Vec<bool> = all.iter().map(|(_, loaded)| loaded.is_err()).collect();
    assert_eq!(wrong, [true, false, true], "bad, good, worse");
    for (name, loaded) in all {
        let alone = load(&policy(text), name.as_deref(), &|_| None);
        assert_eq!(loaded.map(|(policy, _)| policy), alone.map(|(policy, _)| policy), "{name:?}");
    }
    assert_eq!(load_all(&policy(""), &BTreeSet::new(), &|_| None).unwrap().len(), 1);
}
