//! Layering: explicit, service, environment, password file, defaults.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

/// A home directory with these files, `.pgpass` private.
fn home(files: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    home
}

fn env(variables: &[(&str, &str)]) -> Env {
    Env::from_map(variables.iter().copied()).with_user("os_user")
}

fn passwords(info: &ConnInfo) -> Vec<Option<&str>> {
    info.hosts.iter().map(|host| host.password.as_deref()).collect()
}

#[test]
fn each_layer_gives_way_to_the_one_before() {
    let home = home(&[(
        ".pg_service.conf",
        "[s]\nhost=from-service\nport=6001\ndbname=service_db\nuser=service_user\n[t]\nhost=other\n",
    )]);
    let all = env(&[("PGHOST", "from-env"), ("PGPORT", "7001"), ("PGDATABASE", "env_db"), ("PGUSER", "env_user")])
        .with_home(home.path());
    for (explicit, expected) in [
        ("", "env_user env_db@from-env:7001"),
        ("service=s", "service_user service_db@from-service:6001"),
        ("service=s host=mine", "service_user service_db@mine:6001"),
        ("postgresql://ana@mine/app?service=s", "ana app@mine:6001"),
        ("postgresql://ana@mine:1/app?service=t", "ana app@mine:1"),
        ("service=t", "env_user env_db@other:7001"),
        ("dbname=app", "env_user app@from-env:7001"),
        // Given but empty: hides the environment's, and the default applies.
        ("user='' dbname=''", "os_user os_user@from-env:7001"),
        ("port=''", "env_user env_db@from-env:5432"),
    ] {
        let info = resolve(Some(explicit), &all).unwrap();
        assert_eq!(format!("{} {}", info.user(), info.display_target()), expected, "{explicit}");
    }
}

#[test]
fn a_service_is_looked_for_where_libpq_does() {
    let home = home(&[
        (".pg_service.conf", "[s]\nhost=own\n"),
        ("named.conf", "[s]\nhost=named\n"),
        ("sys/pg_service.conf", "[s]\nhost=system\n[only]\nhost=system\n"),
    ]);
    let path = |name: &str| home.path().join(name).to_string_lossy().into_owned();
    let (named, system, missing) = (path("named.conf"), path("sys"), path("missing.conf"));
    let base =
        |more: &[(&str, &str)]| env(&[&[("PGSYSCONFDIR", system.as_str())], more].concat()).with_home(home.path());
    for (explicit, variables, expected) in [
        ("service=s", vec![], "os_user@own:5432"),
        ("", vec![("PGSERVICE", "s")], "os_user@own:5432"),
        ("", vec![("PGSERVICE", "s"), ("PGSERVICEFILE", named.as_str())], "os_user@named:5432"),
        ("service=only", vec![], "os_user@system:5432"),
        ("service=only", vec![("PGSERVICEFILE", named.as_str())], "os_user@system:5432"),
        ("service=s", vec![("PGSERVICE", "only")], "os_user@own:5432"),
    ] {
        assert_eq!(resolve(Some(explicit), &base(&variables)).unwrap().display_target(), expected);
    }
    for (explicit, variables, part) in [
        ("service=nowhere", vec![], "\"nowhere\""),
        ("service=s", vec![("PGSERVICEFILE", missing.as_str())], "missing.conf"),
    ] {
        let error = resolve(Some(explicit), &base(&variables)).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn the_password_comes_from_the_first_source_that_has_one() {
    let home = home(&[
        (".pgpass", "h:5432:app:ana:from-home\nlocalhost:*:*:*:socket\n*:6000:*:*:port-6000\n"),
        ("other", "*:*:*:*:from-other\n"),
        (".pg_service.conf", "[s]\npassword=from-service\n"),
    ]);
    let other = home.path().join("other").to_string_lossy().into_owned();
    for (explicit, variables, expected) in [
        ("postgresql://ana:explicit@h/app", vec![("PGPASSWORD", "env")], vec![Some("explicit")]),
        ("postgresql://ana@h/app?service=s", vec![("PGPASSWORD", "env")], vec![Some("from-service")]),
        ("postgresql://ana@h/app", vec![("PGPASSWORD", "env")], vec![Some("env")]),
        ("postgresql://ana@h/app", vec![], vec![Some("from-home")]),
        ("postgresql://ana@h/app", vec![("PGPASSWORD", "")], vec![Some("from-home")]),
        ("postgresql://ana:@h/app", vec![("PGPASSWORD", "env")], vec![Some("from-home")]),
        ("postgresql://bob@h/app", vec![], vec![None]),
        ("postgresql://ana@h/app", vec![("PGPASSFILE", other.as_str())], vec![Some("from-other")]),
        ("postgresql://ana@h,x:6000/app?port=5432,6000", vec![], vec![Some("from-home"), Some("port-6000")]),
        ("host=/var/run/postgresql", vec![], vec![Some("socket")]),
        ("host=/srv/pg", vec![], vec![None]),
        ("host=h hostaddr=192.0.2.1 user=ana dbname=app", vec![], vec![Some("from-home")]),
    ] {
        let info = resolve(Some(explicit), &env(&variables).with_home(home.path())).unwrap();
        assert_eq!(passwords(&info), expected, "{explicit}");
        assert!(!format!("{info:?}").contains("from-") && !format!("{info:?}").contains("explicit"));
    }
}

#[test]
fn a_password_file_that_others_can_read_is_passed_over_with_a_note() {
    let home = home(&[(".pgpass", "*:*:*:*:secret\n")]);
    let file = home.path().join(".pgpass");
    for (mode, used) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let info = resolve(Some("host=h"), &env(&[]).with_home(home.path())).unwrap();
        assert_eq!((passwords(&info)[0].is_some(), info.notes().is_empty()), (used, used), "{mode:o}");
    }
}

#[test]
fn lists_of_hosts_addresses_and_ports() {
    for (explicit, expected) in [
        ("host=a,b port=1,2", "os_user@a:1,b:2"),
        ("host=a,b port=7", "os_user@a:7,b:7"),
        ("host=a,b", "os_user@a:5432,b:5432"),
        ("postgresql://a,b:2/", "os_user@a:5432,b:2"),
        ("hostaddr=192.0.2.1,2001:db8::1", "os_user@192.0.2.1:5432,[2001:db8::1]:5432"),
        ("host=/srv/pg", "os_user@/srv/pg:5432"),
        ("postgresql://[::1]:5/app", "app@[::1]:5"),
    ] {
        assert_eq!(resolve(Some(explicit), &env(&[])).unwrap().display_target(), expected, "{explicit}");
    }
    for (explicit, part) in [
        ("host=a,b port=1,2,3", "3 ports and 2 hosts"),
        ("host=a,b hostaddr=192.0.2.1", "2 hosts and 1 addresses"),
        ("host=a hostaddr=nonsense", "not an IP address"),
        ("host=a port=0", "65535"),
        ("host=a port=65536", "65535"),
        ("host=a port=-1", "65535"),
        ("host=@abstract", "abstract"),
    ] {
        let error = resolve(Some(explicit), &env(&[])).unwrap_err().to_string();
        assert!(error.contains(part), "{explicit}: {error}");
    }
}

#[test]
fn values_are_checked_by_keyword() {
    for (explicit, part) in [
        ("sslmode=verify", "sslmode cannot be \"verify\""),
        ("target_session_attrs=master", "primary"),
        ("connect_timeout=soon", "connect_timeout"),
        ("ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2", "above"),
        ("ssl_max_protocol_version=TLSv1.1", "below TLSv1.2"),
        ("sslrootcert=system sslmode=require", "verify-full"),
        ("sslnegotiation=direct", "direct"),
        ("sslcrl=/some/file", "sslcrl"),
        ("requirepeer=nobody_of_that_name", "requirepeer"),
        ("gssencmode=require", "gssencmode"),
        ("replication=database", "replication"),
    ] {
        let error = resolve(Some(explicit), &env(&[])).unwrap_err().to_string();
        assert!(error.contains(part), "{explicit}: {error}");
    }
    let error = resolve(None, &Env::default()).unwrap_err().to_string();
    assert!(error.contains("no user"), "{error}");
}

#[test]
fn settings_take_effect_and_harmless_ones_are_accepted() {
    let variables = [
        ("PGSSLMODE", "require"),
        ("PGCONNECT_TIMEOUT", "3"),
        ("PGOPTIONS", "-c geqo=off"),
        ("PGTARGETSESSIONATTRS", "prefer-standby"),
        ("PGAPPNAME", "somebody else"),
        ("PGCLIENTENCODING", "LATIN1"),
        ("PGGSSENCMODE", "disable"),
        ("PGLOADBALANCEHOSTS", ""),
    ];
    let info = resolve(Some("host=h application_name=x client_encoding=auto krbsrvname=y"), &env(&variables)).unwrap();
    assert_eq!(info.sslmode(), SslMode::Require);
    assert_eq!(info.connect_timeout(), Some(Duration::from_secs(3)));
    assert_eq!(info.options.as_deref(), Some("-c geqo=off"));
    assert_eq!(info.target_session_attrs(), TargetSessionAttrs::PreferStandby);
    for (text, expected) in [("0", None), ("-1", None), ("7", Some(Duration::from_secs(7)))] {
        let info = resolve(Some(&format!("host=h connect_timeout={text}")), &env(&variables)).unwrap();
        assert_eq!(info.connect_timeout(), expected);
    }
}

#[test]
fn sslmode_has_a_default_that_depends_on_the_root() {
    for (explicit, variables, expected) in [
        ("", vec![], SslMode::Prefer),
        ("", vec![("PGREQUIRESSL", "1")], SslMode::Require),
        ("", vec![("PGREQUIRESSL", "1"), ("PGSSLMODE", "disable")], SslMode::Disable),
        ("", vec![("PGREQUIRESSL", "0")], SslMode::Prefer),
        ("sslrootcert=system", vec![], SslMode::VerifyFull),
        ("sslmode=allow", vec![("PGSSLMODE", "verify-ca")], SslMode::Allow),
    ] {
        assert_eq!(resolve(Some(&format!("host=h {explicit}")), &env(&variables)).unwrap().sslmode(), expected);
    }
}

#[test]
fn certificates_are_found_in_the_home_directory() {
    let home =
        home(&[(".postgresql/root.crt", ""), (".postgresql/postgresql.crt", ""), (".postgresql/postgresql.key", "")]);
    let info = resolve(Some("host=h sslcert=/given.crt"), &env(&[]).with_home(home.path())).unwrap();
    assert_eq!(info.root_cert, RootCert::File(home.path().join(".postgresql/root.crt")));
    assert_eq!(info.client_cert, Some(PathBuf::from("/given.crt")));
    assert_eq!(info.client_key, Some(home.path().join(".postgresql/postgresql.key")));
    assert_eq!(resolve(Some("host=h"), &env(&[])).unwrap().root_cert, RootCert::None);
}
