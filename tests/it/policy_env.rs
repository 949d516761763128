//! Variables that a policy refers to: those that it may read, and secrets only as whole URLs.

use crate::support::place::{Place, ran};

const TABLES: &str = "CREATE TABLE events (at timestamptz NOT NULL) PARTITION BY RANGE (at)";

fn policy(connection: &str) -> String {
    format!(
        "version: 1\nconnection: {connection}\ntables:\n  public.events: {{partition: {{key: at, interval: 1 month, timezone: UTC}}}}\n"
    )
}

#[test]
fn a_variable_is_read_only_where_its_name_or_the_command_line_says_so() {
    let place = Place::new("policy_env", TABLES, &policy("{expect: {database: \"${APP_DB}\"}}"));
    for command in ["plan", "drift", "validate"] {
        let refused = ran(place.command(&[command]).env("APP_DB", "policy_env"), 78);
        assert!(refused.stderr.contains("a policy does not read `APP_DB`"), "{}", refused.stderr);
        assert!(
            refused.stderr.contains("pgstrata.yaml:2:") && refused.stderr.contains("--policy-env APP_DB"),
            "{}",
            refused.stderr
        );
        assert_eq!(refused.stdout, "");
    }
    ran(place.command(&["plan", "--policy-env", "APP_DB"]).env("APP_DB", "policy_env"), 0);
    ran(place.command(&["plan"]).env("APP_DB", "policy_env").env("PGSTRATA_POLICY_ENV", "OTHER,APP_DB"), 0);
    // It is what is compared, not merely allowed.
    let other = ran(place.command(&["plan", "--policy-env", "APP_DB"]).env("APP_DB", "elsewhere"), 1);
    assert!(other.stdout.contains("elsewhere") || other.stderr.contains("elsewhere"), "{}", other.stderr);
}

#[test]
fn a_secret_never_becomes_part_of_anything() {
    for (connection, name) in [
        ("{url: \"postgresql://u:${PGPASSWORD}@127.0.0.1:1/d\"}", "PGPASSWORD"),
        ("{expect: {cluster_name: \"${PGSTRATA_DEPLOY_TOKEN}\"}}", "PGSTRATA_DEPLOY_TOKEN"),
        ("{expect: {database: \"x${DATABASE_URL}\"}}", "DATABASE_URL"),
    ] {
        let place = Place::new(&format!("policy_secret_{}", name.to_lowercase()), TABLES, &policy(connection));
        for command in ["plan", "validate"] {
            let mut command = place.command(&[command]);
            // The database is named by the policy, where it names one.
            command.env_remove("PGSTRATA_URL").env(name, "s3cret-value");
            let refused = ran(&mut command, 78);
            assert!(refused.stderr.contains(&format!("`{name}` is a secret")), "{}", refused.stderr);
            assert!(!refused.stderr.contains("s3cret") && !refused.stdout.contains("s3cret"), "{}", refused.stderr);
        }
    }
}
