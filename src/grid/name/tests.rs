//! Templates and the names that they give.

use super::super::{KeyKind, Zone};
use super::*;

fn grid(kind: KeyKind, interval: &str, zone: &str) -> Grid {
    Grid::new(kind, interval.parse().unwrap(), zone.parse::<Zone>().unwrap(), None).unwrap()
}

fn name(template: &str, grid: &Grid, now: &str) -> String {
    let window = grid.window(grid.index_at(now.parse().unwrap()).unwrap()).unwrap();
    template.parse::<NameTemplate>().unwrap().render("events", window.from, window.to, grid)
}

#[test]
fn shows_the_ends_on_the_clock_of_the_grid() {
    use KeyKind::{Date, Timestamptz};
    for (kind, interval, zone, template, expected) in [
        (Timestamptz, "1 day", "Europe/Berlin", "{table}_p{start:%Y%m%d}", "events_p20260314"),
        (Timestamptz, "6 hours", "Europe/Berlin", "{table}_p{start:%Y%m%d_%H%M%S}", "events_p20260314_060000"),
        (Timestamptz, "1 day", "Europe/Berlin", "{table}_{start:%d}_{end:%d%H}", "events_14_1500"),
        (Date, "1 week", "UTC", "{table}_{start:%Gw%V-%u}", "events_2026w11-1"),
        (Date, "1 day", "UTC", "{table}_{start:%Y%j}", "events_2026073"),
        (Date, "1 quarter", "UTC", "p{start:%Yq%q}{table}%{end:%%%m}", "p2026q1events%%04"),
    ] {
        assert_eq!(name(template, &grid(kind, interval, zone), "2026-03-14T08:00:00Z"), expected);
    }
    // Santiago's day began at 01:00.
    let santiago = grid(Timestamptz, "1 day", "America/Santiago");
    assert_eq!(name("{table}_{start:%Y%m%d%H}", &santiago, "2024-09-08T12:00:00Z"), "events_2024090801");
}

#[test]
fn only_the_table_is_cut_and_only_between_characters() {
    let grid = grid(KeyKind::Date, "1 day", "UTC");
    let template: NameTemplate = "{table}_p{start:%Y%m%d}".parse().unwrap();
    let render = |table: &str| template.render(table, KeyValue::Date(0), KeyValue::Date(1), &grid);
    assert_eq!(render(&"a".repeat(53)), format!("{}_p19700101", "a".repeat(53)));
    assert_eq!(render(&"a".repeat(54)), format!("{}_p19700101", "a".repeat(53)));
    assert_eq!(render(&"ä".repeat(30)), format!("{}_p19700101", "ä".repeat(26)));
    assert_eq!(render(&"😀".repeat(15)), format!("{}_p19700101", "😀".repeat(13)));
}

#[test]
fn ids_are_themselves_and_only_the_table_is_cut() {
    let grid = Grid::keys(KeyKind::BigInt, 1000, 0).unwrap();
    let render = |template: &str, table: &str, from: i64| {
        let template: NameTemplate = template.parse().unwrap();
        template.render(table, KeyValue::Int(from), KeyValue::Int(from + 1000), &grid)
    };
    assert_eq!(render("{table}_p{start}", "events", 5000), "events_p5000");
    assert_eq!(render("{table}_{start}_{end}", "events", -1000), "events_-1000_0");
    let long = "a".repeat(70);
    assert_eq!(render("{table}_p{start}", &long, 7000), format!("{}_p7000", &long[..57]));
    assert_eq!(render("{table}_p{start}", &long, i64::MIN + 808).len(), 63);
    for (template, separates) in [
        ("{table}_p{start}", true),
        ("{start}_{table}", true),
        ("{table}{start}", false),
        ("{table}_1{start}", false),
        ("{table}-{start}", false),
        ("{table}{start}_{end}", true),
    ] {
        let template: NameTemplate = template.parse().unwrap();
        assert_eq!(template.is_injective(&grid), if separates { Ok(()) } else { Err(Clash::Ids) }, "{template}");
    }
}

#[test]
fn defaults_are_what_their_text_says() {
    for interval in ["1 hour", "1 day", "1 month"] {
        let template = NameTemplate::default_for(Width::Calendar(interval.parse().unwrap()));
        assert_eq!(template.to_string().parse(), Ok(template));
    }
    let template = NameTemplate::default_for(Width::Keys(1));
    assert_eq!(template.to_string().parse(), Ok(template));
}

#[test]
fn errors_name_the_position() {
    for (text, message) in [
        ("", "a name template is empty"),
        ("{table}_p{start:%Y", "at 10: `{` is never closed"),
        ("ä{table}}", "at 9: `}` closes nothing"),
        ("{table}_{begin:%Y}", "at 9: `{begin:%Y}` is not a placeholder"),
        ("{table}_{starts}", "at 9: `{starts}` is not a placeholder"),
        ("{table}_{start}_{end:%Y}", "it names both dates and ids"),
        ("{table}_{start:}", "at 9: `{start:}` is not a placeholder"),
        ("{table}_{start:%Y%y}", "at 18: `%y` is not one of"),
        ("{table}_{start:%}", "at 16: `%` is not one of"),
        ("{table}{table}{start:%Y}", "at 8: `{table}` is given twice"),
        ("{table}\n{start:%Y}", "at 8: a control character"),
        ("{table}_p", "no {start:…} or {end:…}"),
        ("{table}_{start:x}", "no {start:…} or {end:…}"),
    ] {
        let found = text.parse::<NameTemplate>().unwrap_err().to_string();
        assert!(found.starts_with(message), "{text}: {found}");
    }
    let long = format!("{{table}}{}{{start:%Y}}", "x".repeat(59));
    assert_eq!(long.parse::<NameTemplate>(), Err(TemplateError::TooLong(63)));
}

#[test]
fn names_that_clash_are_found() {
    use KeyKind::{Date, Timestamp, Timestamptz};
    let cases = [
        (Date, "1 month", "%Y%m", None),
        (Date, "1 month", "%Y", Some(("2000-01-01", "2000-02-01"))),
        (Date, "1 month", "%m", Some(("2000-01-01", "2001-01-01"))),
        (Date, "1 day", "%Y%j", None),
        (Date, "1 day", "%Y%m", Some(("2000-01-01", "2000-01-02"))),
        (Date, "1 day", "%G%m%d", Some(("2003-12-29", "2004-12-29"))),
        (Date, "1 week", "%Gw%V", None),
        // ISO week 1 of 2003 began in 2002.
        (Date, "1 week", "%Yw%V", Some(("2001-01-01", "2001-12-31"))),
        (Date, "1 quarter", "%Yq%q", None),
        (Date, "2 years", "%m", Some(("2000-01-01", "2002-01-01"))),
        (Date, "1 year", "%Y", None),
        (Timestamp, "1 hour", "%Y%m%d%H", None),
        (Timestamp, "1 hour", "%Y%m%d", Some(("2000-01-01 00:00:00", "2000-01-01 01:00:00"))),
        (Timestamp, "24 hours", "%Y%m%d", None),
        (Timestamp, "6 hours", "%H", Some(("2000-01-01 00:00:00", "2000-01-02 00:00:00"))),
        (Timestamp, "6 hours", "%j%H", Some(("2000-01-01 00:00:00", "2001-01-01 00:00:00"))),
        (Timestamptz, "1 day", "%Y%m%d", None),
    ];
    for (kind, interval, format, clash) in cases {
        let grid = grid(kind, interval, "UTC");
        for end in ["start", "end"] {
            let template: NameTemplate = format!("{{table}}_{{{end}:{format}}}").parse().unwrap();
            let found = template.is_injective(&grid);
            assert_eq!(found.is_err(), clash.is_some(), "{interval} {end} {format}");
            if let (Err(Clash::Windows(a, b)), "start") = (found, end) {
                let found = (a.from.to_string(), b.from.to_string());
                assert_eq!(clash.map(|(a, b)| (a.to_owned(), b.to_owned())), Some(found), "{interval} {format}");
            }
        }
    }
    // Both ends together may tell apart what neither does alone.
    let both: NameTemplate = "{table}_{start:%Y}_{end:%m}".parse().unwrap();
    assert_eq!(both.is_injective(&grid(Date, "1 month", "UTC")), Ok(()));
}

#[test]
fn a_boundary_skipped_into_the_next_day_is_not_taken_for_proof() {
    let anchor = Some(jiff::civil::date(2000, 1, 1).at(23, 30, 0, 0));
    let zone = "America/Nuuk".parse().unwrap();
    let grid = Grid::new(KeyKind::Timestamptz, "1 day".parse().unwrap(), zone, anchor).unwrap();
    let clash = NameTemplate::default_for(grid.width()).is_injective(&grid).unwrap_err();
    let Clash::Windows(a, b) = clash else { panic!("{clash:?}") };
    assert_eq!(b.index, a.index + 1);
}
