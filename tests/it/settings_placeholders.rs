//! Settings that no library defines, and lines of the configuration files that the server cannot take.

use pgstrata::plan::Code;
use pgstrata::sandbox::Options;

use crate::support::drive::{desired, grant_all, plan_now};
use crate::support::own_server;

const POLICY: &str = "
version: 1
tables: {public.t: {partition: {key: at, interval: 1 month}}}
settings: {my.setting: abc, my.other: abc, work_mem: 4MB}
";

fn said(url: &str) -> Vec<(Code, String)> {
    let (plan, _) = plan_now(url, &desired(POLICY), None, &grant_all());
    let of_settings = plan.findings.into_iter().filter(|finding| finding.table.is_none());
    of_settings.map(|finding| (finding.code, finding.message)).collect()
}

#[test]
fn a_placeholder_is_known_and_a_wrong_line_is_told() {
    let options = Options { settings: vec![("my.setting".to_owned(), "abc".to_owned())], ..Options::default() };
    let server = own_server(options);
    let url = server.create_database("placeholders").unwrap();
    let found = said(&url);
    // One as the policy says, one that nobody has ever set.
    assert!(matches!(&found[..], [(Code::SettingUnknown, message)] if message.contains("not loaded")), "{found:?}");

    let mut client = server.connect("placeholders").unwrap();
    client.batch_execute("ALTER DATABASE placeholders SET my.other = 'abc'").unwrap();
    assert_eq!(said(&url), [], "whoever sets it, it is known");
    client
        .batch_execute(
            "ALTER DATABASE placeholders SET my.other = 'x'; ALTER DATABASE placeholders SET my.setting = 'x'",
        )
        .unwrap();
    let found = said(&url);
    // What the files say is the server's.
    assert!(matches!(&found[..], [(Code::SettingDiffers, message)] if message.starts_with("it is x")), "{found:?}");
    client
        .batch_execute("ALTER DATABASE placeholders RESET my.other; ALTER DATABASE placeholders RESET my.setting")
        .unwrap();
    let auto: String = client.query_one("SELECT current_setting('data_directory')", &[]).unwrap().get(0);
    let path = format!("{auto}/postgresql.auto.conf");
    client
        .batch_execute(&format!(
            "COPY (SELECT E'work_mem = ''a lot''\\nmy.setting = ''xyz''') TO '{path}' WITH (DELIMITER E'\\x01', FORMAT csv, QUOTE E'\\x02', ESCAPE E'\\x02')"
        ))
        .unwrap();
    let found = said(&url);
    let wrong = found.iter().find(|(code, _)| *code == Code::SettingFileError);
    assert!(wrong.is_some_and(|(_, message)| message.contains("postgresql.auto.conf:1")), "{found:?}");
}
