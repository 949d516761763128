//! The template that explains the names of partitions, given their bounds.
//!
//! Any text before and after the time is taken as it is: the conventions of pg_partman 4 and 5, Citus, pgslice, GitLab,
//! PPM, pg-partsmith and gopartman differ only in that text and in how the time is written.

use std::collections::BTreeSet;

use super::infer::Piece;
use crate::grid::{Grid, NameTemplate};

/// How people write a time in a name, the most specific first: of two that explain all names the first is taken.
const FORMATS: [&str; 38] = [
    "%Y_%m_%d_%H%M%S",
    "%Y_%m_%d_%H%M",
    "%Y_%m_%d_%H_%M_%S",
    "%Y_%m_%d_%H_%M",
    "%Y_%m_%d_%H",
    "%Y%m%d_%H%M%S",
    "%Y%m%d_%H%M",
    "%Y%m%d_%H",
    "%Y%m%dT%H%M%S",
    "%Y%m%dt%H%M%S",
    "%Y%m%d%H%M%S",
    "%Y%m%d%H%M",
    "%Y%m%d%H",
    "%Ym%md%dh%H",
    "%Ym%md%d",
    "%Y-%m-%d",
    "%Y_%m_%d",
    "%Y%m%d",
    "%d_%m_%Y",
    "%Y_%j",
    "%Y%j",
    "%G-W%V",
    "%G_w%V",
    "%Gw%V",
    "%GW%V",
    "%G_%V",
    "%G%V",
    "%Ym%m",
    "%YM%m",
    "%Y-%m",
    "%Y_%m",
    "%Y%m",
    "%Y_q%q",
    "%Y_Q%q",
    "%Yq%q",
    "%YQ%q",
    "%Y_%q",
    "%Y",
];

/// What stands between the two ends where a name has both.
const BETWEEN: [&str; 4] = ["_", "_to_", "-", "_2_"];

/// What the names of partitions say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// Every name follows the template.
    All(NameTemplate),
    /// So many of them do, the newest among them.
    Newest { template: NameTemplate, explained: usize },
    /// The newest name follows none.
    None,
}

/// The template that explains these names, newest first, of partitions of `table` that are exactly windows of the grid.
pub(super) fn template(table: &str, grid: &Grid, named: &[(Piece, &str)]) -> Names {
    let Some((newest, newest_name)) = named.first() else { return Names::None };
    let explains = |template: &NameTemplate, (piece, name): &(Piece, &str)| {
        template.render(table, piece.from, piece.to, grid) == *name
    };
    let mut best: Option<(NameTemplate, usize)> = None;
    for text in proposals(table, grid, *newest, newest_name) {
        let Ok(template) = text.parse::<NameTemplate>() else { continue };
        if !explains(&template, &(*newest, newest_name)) || template.is_injective(grid).is_err() {
            continue;
        }
        let explained = named.iter().filter(|one| explains(&template, one)).count();
        if best.as_ref().is_none_or(|(_, most)| explained > *most) {
            best = Some((template, explained));
        }
        if explained == named.len() {
            break;
        }
    }
    match best {
        Some((template, explained)) if explained == named.len() => Names::All(template),
        Some((template, explained)) => Names::Newest { template, explained },
        None => Names::None,
    }
}

/// Templates that give one name, each once, in the order of preference.
fn proposals(table: &str, grid: &Grid, piece: Piece, name: &str) -> Vec<String> {
    if !grid.tells_time() {
        return of_ids(table, piece, name);
    }
    let ends = |start: &str, end: &str, between: &str| match (start, end) {
        (start, "") => format!("{{start:{start}}}"),
        ("", end) => format!("{{end:{end}}}"),
        (start, end) => format!("{{start:{start}}}{between}{{end:{end}}}"),
    };
    let both = FORMATS.iter().flat_map(|format| BETWEEN.iter().map(|between| ends(format, format, between)));
    let starts = FORMATS.iter().map(|format| ends(format, "", ""));
    let last = FORMATS.iter().map(|format| ends("", format, ""));
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for time in both.chain(starts).chain(last) {
        let Ok(template) = time.parse::<NameTemplate>() else { continue };
        let written = template.render("", piece.from, piece.to, grid);
        // The last place: a table's own name may hold a year.
        let Some(at) = name.rfind(&written) else { continue };
        let (before, after) = (name.get(..at).unwrap_or(""), name.get(at + written.len()..).unwrap_or(""));
        for (before, after) in with_table(table, before, after) {
            let text = format!("{before}{time}{after}");
            if seen.insert(text.clone()) {
                found.push(text);
            }
        }
    }
    found
}

/// The same for ids, where the number itself is what changes.
fn of_ids(table: &str, piece: Piece, name: &str) -> Vec<String> {
    let (from, to) = (piece.from.to_string(), piece.to.to_string());
    let both = BETWEEN.map(|between| (format!("{from}{between}{to}"), format!("{{start}}{between}{{end}}")));
    let alone = [(from, "{start}".to_owned()), (to, "{end}".to_owned())];
    let mut found = Vec::new();
    for (written, key) in both.into_iter().chain(alone) {
        let Some(at) = name.rfind(&written) else { continue };
        let (before, after) = (name.get(..at).unwrap_or(""), name.get(at + written.len()..).unwrap_or(""));
        found.extend(
            with_table(table, before, after).into_iter().map(|(before, after)| format!("{before}{key}{after}")),
        );
    }
    found
}

/// The text around the time with the table's name as a placeholder, where it is there; else as it is.
fn with_table(table: &str, before: &str, after: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if before.contains(['{', '}']) || after.contains(['{', '}']) {
        return found;
    }
    if let Some(rest) = before.strip_prefix(table) {
        found.push((format!("{{table}}{rest}"), after.to_owned()));
    } else if let Some((head, tail)) = before.split_once(table) {
        found.push((format!("{head}{{table}}{tail}"), after.to_owned()));
    } else if let Some((head, tail)) = after.split_once(table) {
        found.push((before.to_owned(), format!("{head}{{table}}{tail}")));
    } else {
        // A name that was cut to fit has the beginning of the table's only; rendering tells whether that is so.
        let cut = table.char_indices().map(|(at, _)| at).filter(|at| *at > 0).rev();
        let cut = cut.into_iter().find_map(|at| before.strip_prefix(table.get(..at)?));
        found.extend(cut.map(|rest| (format!("{{table}}{rest}"), after.to_owned())));
    }
    found.push((before.to_owned(), after.to_owned()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Interval, KeyKind, KeyValue, Zone};

    fn grid(interval: &str) -> Grid {
        let kind = KeyKind::Timestamptz;
        Grid::new(kind, interval.parse::<Interval>().unwrap(), Zone::utc(), None).unwrap()
    }

    /// What the template makes of the windows from the one that this time is in.
    fn found(table: &str, interval: &str, newest_first: &[(&str, &str)]) -> Names {
        let grid = grid(interval);
        let named: Vec<(Piece, &str)> = newest_first
            .iter()
            .map(|(from, name)| {
                let value = KeyValue::parse(KeyKind::Timestamptz, &format!("{from}:00+00")).unwrap();
                let window = grid.window(grid.index_of(value).unwrap()).unwrap();
                (Piece { from: window.from, to: window.to }, *name)
            })
            .collect();
        template(table, &grid, &named)
    }

    #[test]
    fn every_convention_is_a_template() {
        for (interval, from, name, expected) in [
            ("1 hour", "2026-03-02 05:00", "ev_p20260302_050000", "{table}_p{start:%Y%m%d_%H%M%S}"),
            ("1 hour", "2026-03-02 05:00", "ev_p2026_03_02_0500", "{table}_p{start:%Y_%m_%d_%H%M}"),
            ("1 hour", "2026-03-02 05:00", "ev__2026_03_02_05", "{table}__{start:%Y_%m_%d_%H}"),
            ("1 hour", "2026-03-02 05:00", "ev_2026030205", "{table}_{start:%Y%m%d%H}"),
            ("1 day", "2026-03-02 00:00", "ev_p20260302", "{table}_p{start:%Y%m%d}"),
            ("1 day", "2026-03-02 00:00", "ev_p2026_03_02", "{table}_p{start:%Y_%m_%d}"),
            ("1 day", "2026-03-02 00:00", "ev_y2026m03d02", "{table}_y{start:%Ym%md%d}"),
            ("1 week", "2026-03-02 00:00", "ev_p2026w10", "{table}_p{start:%Gw%V}"),
            ("1 week", "2026-03-02 00:00", "ev_2026_w10", "{table}_{start:%G_w%V}"),
            ("1 week", "2026-03-02 00:00", "ev_20260302", "{table}_{start:%Y%m%d}"),
            ("1 month", "2026-03-01 00:00", "ev_p20260301", "{table}_p{start:%Y%m%d}"),
            ("1 month", "2026-03-01 00:00", "ev_p2026_03", "{table}_p{start:%Y_%m}"),
            ("1 month", "2026-03-01 00:00", "ev_202603", "{table}_{start:%Y%m}"),
            ("1 month", "2026-03-01 00:00", "ev_y2026m03", "{table}_y{start:%Ym%m}"),
            ("1 month", "2026-03-01 00:00", "part_2026_03_of_ev", "part_{start:%Y_%m}_of_{table}"),
            ("1 month", "2026-03-01 00:00", "archive-2026-03", "archive-{start:%Y-%m}"),
            ("1 month", "2026-03-01 00:00", "ev_20260301_20260401", "{table}_{start:%Y%m%d}_{end:%Y%m%d}"),
            ("1 quarter", "2026-04-01 00:00", "ev_p2026q2", "{table}_p{start:%Yq%q}"),
            ("1 quarter", "2026-04-01 00:00", "ev_2026_q2", "{table}_{start:%Y_q%q}"),
            ("1 year", "2026-01-01 00:00", "ev_p2026", "{table}_p{start:%Y}"),
            ("1 year", "2026-01-01 00:00", "ev_before_2027", "{table}_before_{end:%Y}"),
        ] {
            let Names::All(template) = found("ev", interval, &[(from, name)]) else { panic!("{interval} {name}") };
            assert_eq!(template.to_string(), expected, "{interval} {name}");
        }
    }

    #[test]
    fn one_name_may_be_read_in_two_ways_and_the_others_decide() {
        // 2026-01-01 is 202601 and the whole date; a month later only one of them is right.
        let names = [("2026-02-01 00:00", "ev_20260201"), ("2026-01-01 00:00", "ev_20260101")];
        assert_eq!(found("ev", "1 month", &names), Names::All("{table}_{start:%Y%m%d}".parse().unwrap()));
        // A year in the table's name stays there.
        let names = [("2026-01-01 00:00", "sales_2026_p2026")];
        assert_eq!(found("sales_2026", "1 year", &names), Names::All("{table}_p{start:%Y}".parse().unwrap()));
    }

    #[test]
    fn names_that_were_cut_still_follow() {
        let table = "a_table_with_a_name_that_takes_nearly_all_of_the_room_there_is";
        let name = format!("{}_p2026_03", &table[..63 - 9]);
        let template = "{table}_p{start:%Y_%m}".parse().unwrap();
        assert_eq!(found(table, "1 month", &[("2026-03-01 00:00", &name)]), Names::All(template));
    }

    #[test]
    fn the_newest_name_counts_where_they_differ() {
        let names =
            [("2026-03-01 00:00", "ev_2026_03"), ("2026-02-01 00:00", "ev_feb"), ("2026-01-01 00:00", "ev_jan")];
        let template = "{table}_{start:%Y_%m}".parse().unwrap();
        assert_eq!(found("ev", "1 month", &names), Names::Newest { template, explained: 1 });
        assert_eq!(found("ev", "1 month", &names[1..]), Names::None);
        // Names that would repeat themselves are no template.
        assert_eq!(found("ev", "1 month", &[("2026-03-01 00:00", "ev_2026")]), Names::None);
    }
}
