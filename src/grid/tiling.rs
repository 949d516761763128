//! Properties that hold across the grid's files: windows tile time in every zone, and what is written reads back.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use proptest::prelude::*;
use proptest::sample::select;

use super::civil::{self, DAY, HOUR};
use super::*;

/// A window, the next one, and every way back from their values to their indices.
fn check(grid: &Grid, window: Window) {
    let Window { index, from, to } = window;
    assert!(from < to, "{grid:?} {window:?}");
    assert_eq!(grid.window(index), Some(window));
    assert_eq!(grid.index_of(from), Some(index), "{grid:?} {window:?}");
    assert_eq!(grid.index_of(to.predecessor().unwrap()), Some(index), "{grid:?} {window:?}");
    assert!(grid.is_boundary(from) && grid.is_boundary(to), "{grid:?} {window:?}");
    assert_eq!(grid.classify(from.into(), to.into()), Fit::Exact(index), "{grid:?} {window:?}");
    let next = grid.windows_between(index + 1, index + 3).next().expect("the calendar does not end here");
    assert_eq!(next.from, to, "{grid:?} {window:?}");
    let fit = Fit::Span { first: index, last: next.index };
    assert_eq!(grid.classify(from.into(), next.to.into()), fit, "{grid:?} {window:?}");
    assert!(grid.instant(from) <= grid.instant(to), "{grid:?} {window:?}");
}

fn grid(kind: KeyKind, interval: &str, zone: &Zone) -> Grid {
    Grid::new(kind, interval.parse().unwrap(), zone.clone(), None).unwrap()
}

fn all_zones() -> impl Iterator<Item = Zone> {
    let names = Zone::names();
    assert!(names.len() > 500, "the bundled database has {} zones", names.len());
    names.into_iter().map(|name| name.parse().unwrap())
}

fn micros(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_microsecond()
}

/// Where a zone's offset changes between 1970 and 2040: before, at, and the instant.
fn changes(zone: &Zone) -> Vec<(i64, i64, i64)> {
    let end: Timestamp = "2040-01-01T00:00:00Z".parse().unwrap();
    zone.time_zone()
        .following(Timestamp::UNIX_EPOCH)
        .take_while(|transition| transition.timestamp() < end)
        .map(|transition| transition.timestamp().as_microsecond())
        .map(|at| (zone.offset_at(at - 1).unwrap(), zone.offset_at(at).unwrap(), at))
        .filter(|(before, after, _)| before != after)
        .collect()
}

/// Every zone once: an alias adds nothing where its changes are the same.
fn zones_by_changes() -> BTreeMap<Vec<(i64, i64, i64)>, Zone> {
    all_zones().map(|zone| (changes(&zone), zone)).collect()
}

#[test]
fn days_tile_around_every_offset_change_of_every_zone() {
    let mut checked = 0;
    for (changes, zone) in zones_by_changes() {
        let grid = grid(KeyKind::Timestamptz, "1 day", &zone);
        for (_, _, at) in changes {
            let index = grid.index_of(KeyValue::Timestamptz(at)).unwrap();
            let from = grid.window(index).unwrap().from;
            let before = grid.index_of(from.predecessor().unwrap()).unwrap();
            for window in [before, index] {
                check(&grid, grid.window(window).unwrap());
                checked += 1;
            }
        }
    }
    assert!(checked > 20_000, "only {checked} windows");
}

#[test]
fn longer_intervals_tile_in_every_zone() {
    let (start, end) = (micros("1970-01-01T00:00:00Z"), micros("2040-01-01T00:00:00Z"));
    for (turn, zone) in all_zones().enumerate() {
        let interval = ["1 week", "1 month", "1 quarter", "1 year", "2 weeks", "5 days", "7 months"][turn % 7];
        let grid = grid(KeyKind::Timestamptz, interval, &zone);
        let [first, last] = [start, end].map(|at| grid.index_of(KeyValue::Timestamptz(at)).unwrap());
        let mut expected = grid.window(first).unwrap().from;
        for window in grid.windows_between(first, last) {
            assert_eq!(window.from, expected, "{grid:?}");
            assert!(window.from < window.to, "{grid:?}");
            expected = window.to;
        }
        assert!(expected > KeyValue::Timestamptz(end));
        check(&grid, grid.window(first + (last - first) / 2).unwrap());
    }
}

#[test]
fn the_first_instant_never_decreases_and_shows_the_time_or_a_later_one() {
    for (changes, zone) in zones_by_changes() {
        for (before, after, at) in changes {
            let (low, high) = (at + before.min(after), at + before.max(after));
            let mut last = i64::MIN;
            for civil in [low - 1, low, low + 1, (low + high) / 2, high - 1, high, high + 1] {
                let instant = zone.first_instant(civil).unwrap();
                assert!(instant >= last, "{zone} {civil}");
                assert!(zone.civil_at(instant).unwrap() >= civil, "{zone} {civil}");
                assert!(zone.civil_at(instant - 1).unwrap() < civil || instant == at, "{zone} {civil}");
                last = instant;
            }
        }
    }
}

#[test]
fn a_day_that_a_zone_skipped_has_no_window_and_its_neighbours_touch() {
    for (zone, noon_before) in [
        ("Pacific/Apia", "2011-12-29T22:00:00Z"),
        ("Pacific/Kwajalein", "1993-08-21T00:00:00Z"),
        ("Pacific/Kiritimati", "1994-12-30T22:00:00Z"),
    ] {
        let grid = grid(KeyKind::Timestamptz, "1 day", &zone.parse().unwrap());
        let index = grid.index_at(noon_before.parse().unwrap()).unwrap();
        assert_eq!(grid.window(index + 1), None, "{zone}");
        let windows: Vec<_> = grid.windows_between(index, index + 2).collect();
        assert_eq!(windows.iter().map(|window| window.index).collect::<Vec<_>>(), [index, index + 2], "{zone}");
        assert_eq!(windows[0].to, windows[1].from, "{zone}");
        windows.iter().for_each(|window| check(&grid, *window));
        let whole = grid.classify(windows[0].from.into(), windows[1].to.into());
        assert_eq!(whole, Fit::Span { first: index, last: index + 2 }, "{zone}");
    }
}

fn any_zone() -> impl Strategy<Value = Zone> {
    select(Zone::names()).prop_map(|name| name.parse().unwrap())
}

fn any_interval() -> impl Strategy<Value = Interval> {
    (1..40_u32, select(Unit::ALL.to_vec())).prop_map(|(count, unit)| Interval { count, unit })
}

fn any_anchor() -> impl Strategy<Value = Option<DateTime>> {
    let anchor = (1900..2100_i16, 1..=12_i8, 1..=28_i8, 0..24_i8, 0..60_i8);
    proptest::option::of(
        anchor.prop_map(|(year, month, day, hour, minute)| jiff::civil::date(year, month, day).at(hour, minute, 0, 0)),
    )
}

fn any_grid() -> impl Strategy<Value = Grid> {
    let dates = KeyKind::DATES.map(|kind| (kind, None));
    let epochs = Encoding::ALL
        .map(|encoding| (if encoding == Encoding::Uuidv7 { KeyKind::Uuid } else { KeyKind::BigInt }, Some(encoding)));
    let kinds: Vec<_> = dates.into_iter().chain(epochs).collect();
    let parts = (select(kinds), any_interval(), any_zone(), any_anchor());
    parts.prop_filter_map("hours or a time of day on a date key", |((kind, encoding), interval, zone, anchor)| {
        Grid::calendar(kind, encoding, interval, zone, anchor).ok()
    })
}

/// The widest kind of a value.
fn kind_of(value: KeyValue) -> KeyKind {
    match value {
        KeyValue::Timestamptz(_) => KeyKind::Timestamptz,
        KeyValue::Timestamp(_) => KeyKind::Timestamp,
        KeyValue::Date(_) => KeyKind::Date,
        KeyValue::Int(_) => KeyKind::BigInt,
        KeyValue::Uuid(_) => KeyKind::Uuid,
    }
}

fn interval_of(grid: &Grid) -> Interval {
    match grid.width() {
        Width::Calendar(interval) => interval,
        Width::Keys(_) => panic!("no calendar grid"),
    }
}

fn any_value() -> impl Strategy<Value = KeyValue> {
    let micros = civil::MIN_CIVIL..=civil::MAX_CIVIL;
    prop_oneof![
        micros.clone().prop_map(KeyValue::Timestamptz),
        micros.prop_map(KeyValue::Timestamp),
        (-1_000_000..1_000_000_i64).prop_map(|hours| KeyValue::Timestamptz(hours * HOUR)),
        (civil::MIN_CIVIL.div_euclid(DAY)..=civil::MAX_CIVIL.div_euclid(DAY))
            .prop_map(|day| KeyValue::Date(i32::try_from(day).unwrap())),
        any::<i64>().prop_map(KeyValue::Int),
        any::<u128>().prop_map(KeyValue::uuid),
    ]
}

fn any_span() -> impl Strategy<Value = CalendarSpan> {
    let parts = (0..100_u32, 0..100_u32, 0..100_u32, 0..1000_u32, 0..1000_u32);
    parts
        .prop_map(|(years, months, weeks, days, hours)| CalendarSpan { years, months, weeks, days, hours })
        .prop_filter("zero", |span| !span.is_zero())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_grid_tiles(grid in any_grid(), second in 0..2_208_988_800_i64) {
        let now = Timestamp::from_second(second).unwrap();
        // A window of a UUIDv7 key does not begin before 1970.
        prop_assume!(grid.kind() != KeyKind::Uuid || grid.index_at(now).is_some());
        let index = grid.index_at(now).unwrap();
        let window = grid.window(index).unwrap();
        prop_assert!((window.from..window.to).contains(&grid.value_at(now).unwrap()));
        check(&grid, window);
        let middle = window.to.predecessor().unwrap();
        if window.from < middle {
            prop_assert_eq!(grid.classify(middle.into(), window.to.into()), Fit::Part(index));
            prop_assert_eq!(grid.classify(window.from.into(), middle.into()), Fit::Part(index));
            let next = grid.windows_between(index + 1, index + 3).next().unwrap();
            prop_assert_eq!(grid.classify(middle.into(), next.to.into()), Fit::Straddling);
        }
        let longest = interval_of(&grid).approx();
        let length = grid.instant(window.to).unwrap().duration_since(grid.instant(window.from).unwrap());
        // A day more where a zone repeated one; the next test has the common case.
        prop_assert!(length <= longest + jiff::SignedDuration::from_hours(24));
    }

    #[test]
    fn values_and_bounds_read_back(value in any_value(), other in any_value()) {
        let text = value.to_string();
        let kind = kind_of(value);
        prop_assert_eq!(KeyValue::parse(kind, &text), Ok(value));
        prop_assert_eq!(text.parse(), Ok(value));
        let to = if kind.holds(other) { Bound::Value(other) } else { Bound::MaxValue };
        let bounds = LeafBounds::Range { from: value.into(), to };
        prop_assert_eq!(&LeafBounds::parse(kind, &bounds.to_string()), &bounds);
        let json = serde_json::to_string(&bounds).unwrap();
        prop_assert_eq!(&serde_json::from_str::<LeafBounds>(&json).unwrap(), &bounds);
    }

    #[test]
    fn any_number_prints_and_no_bound_text_panics(number: i64, day: i32, text in ".{0,40}") {
        for value in [KeyValue::Timestamptz(number), KeyValue::Timestamp(number), KeyValue::Date(day), KeyValue::Int(number)] {
            let text = value.to_string();
            let kind = kind_of(value);
            prop_assert!(KeyValue::parse(kind, &text).is_ok_and(|read| read == value)
                || KeyValue::parse(kind, &text) == Err(KeyValueError::OutOfRange(text)));
        }
        for kind in KeyKind::ALL {
            let bounds = LeafBounds::parse(kind, &format!("FOR VALUES FROM ({text}) TO (MAXVALUE)"));
            prop_assert_eq!(bounds.to_string(), format!("FOR VALUES FROM ({text}) TO (MAXVALUE)"));
        }
    }

    #[test]
    fn durations_read_back_and_no_text_panics(interval in any_interval(), span in any_span(), text in ".{0,20}") {
        prop_assert_eq!(interval.to_string().parse(), Ok(interval));
        prop_assert_eq!(span.to_string().parse(), Ok(span));
        if let Ok(interval) = text.parse::<Interval>() {
            prop_assert_eq!(interval.to_string().parse(), Ok(interval));
        }
        if let Ok(span) = text.parse::<CalendarSpan>() {
            prop_assert_eq!(span.to_string().parse(), Ok(span));
        }
    }

    #[test]
    fn names_fit_and_keep_their_end(table in "[a-zäß漢😀_]{0,40}", grid in any_grid(), second in 0..2_208_988_800_i64) {
        let index = grid.index_at(Timestamp::from_second(second).unwrap());
        prop_assume!(grid.kind() != KeyKind::Uuid || index.is_some());
        let index = index.unwrap();
        let window = grid.window(index).unwrap();
        let template = NameTemplate::default_for(grid.width());
        let name = template.render(&table, window.from, window.to, &grid);
        let suffix = template.render("", window.from, window.to, &grid);
        prop_assert!(name.len() <= 63);
        let head = name.strip_suffix(suffix.as_str()).unwrap();
        prop_assert!(table.starts_with(head));
        let next = table[head.len()..].chars().next().map_or(64, char::len_utf8);
        prop_assert!(name.len() + next > 63, "cut further than needed: {name}");
        prop_assert!(template.to_string().parse::<NameTemplate>() == Ok(template));
    }

    #[test]
    fn names_that_are_called_injective_differ_side_by_side(
        grid in any_grid(),
        format in "(%[YmdHMSGVjqu]|x){1,6}",
        end in select(vec!["start", "end"]),
        second in 946_684_800..3_000_000_000_i64,
    ) {
        // Hours are tried in a table of their own: comparing a century of them is slow without optimization.
        prop_assume!(!interval_of(&grid).is_sub_day() && format.contains('%'));
        let template: NameTemplate = format!("{{table}}{{{end}:{format}}}").parse().unwrap();
        let name = |window: Window| template.render("t", window.from, window.to, &grid);
        match template.is_injective(&grid) {
            Err(Clash::Windows(a, b)) => {
                prop_assert!(a.index < b.index);
                prop_assert_eq!(name(a), name(b));
            }
            Err(Clash::Ids) => prop_assert!(false, "no ids"),
            Ok(()) => {
                let index = grid.index_at(Timestamp::from_second(second).unwrap());
        prop_assume!(grid.kind() != KeyKind::Uuid || index.is_some());
        let index = index.unwrap();
                // From 2000 on, as it is promised: nanoseconds of 36-year windows have fifteen in all, and names from 1677.
                let first = grid.value_of(Position::Civil(jiff::civil::date(2000, 1, 1).at(0, 0, 0, 0))).and_then(|value| grid.index_of(value)).unwrap_or(i64::MIN);
                let near = || grid.windows_between(first.max(index - 30), index + 30);
                let names: BTreeMap<_, _> = near().map(|window| (name(window), window)).collect();
                prop_assert_eq!(names.len(), near().count());
            }
        }
    }
}
