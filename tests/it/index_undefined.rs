//! Names in an index's expression that are there and are not found: what to write instead.

use crate::support::place::Place;

const BEFORE: &str = "
    SET check_function_bodies = off;
    CREATE TABLE t (at timestamptz NOT NULL, w text) PARTITION BY RANGE (at);
    CREATE SCHEMA lib;
    CREATE FUNCTION lib.norm(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower($1)';
    CREATE FUNCTION lib.nest(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT norm($1)';
    CREATE FUNCTION lib.typed(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ($1::short)::text';
    CREATE DOMAIN lib.short AS text;
    CREATE FUNCTION lib.lower(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
    CREATE FUNCTION lib.plnest(w text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN norm(w); END';
    CREATE FUNCTION lib.plain(w text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
        'DECLARE norm text := lower(w); BEGIN RETURN lib.norm(norm) || substr(''norm('', 1, 2)::varchar(3); END';
    CREATE FUNCTION lib.good(text) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = lib AS 'SELECT norm($1)';
";

fn found(place: &Place) -> String {
    place.run(&["plan"], 1).stdout
}

fn place(name: &str, column: &str) -> Place {
    let policy = format!(
        "version: 1\ntables:\n  public.t:\n    partition: {{key: at, interval: 1 month, premake: 1}}\n    indexes: {{x: {{columns: [{column}]}}}}\n"
    );
    Place::new(name, BEFORE, &policy)
}

#[test]
fn a_name_within_a_called_function_is_told_with_the_function() {
    let text = found(&place("undefined_nest", "lib.nest(w)"));
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains(
            "lib.nest(text) names norm without a schema, and an index calls it with pg_catalog alone as search_path: write \
             lib.norm in its body, or ALTER FUNCTION lib.nest(text) SET search_path = lib"
        ),
        "{text}"
    );
    let typed = found(&place("undefined_typed", "lib.typed(w)"));
    let flat = typed.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("lib.typed(text) names short without a schema"), "{typed}");
}

/// On an empty table it is called by nobody: the build would fail at the first row.
#[test]
fn what_a_function_calls_is_looked_for_before_there_are_rows() {
    let text = found(&place("undefined_plpgsql", "lib.plnest(w)"));
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("lib.plnest(text) calls norm without a schema, and would not find it"), "{text}");
    assert!(
        flat.contains("write lib.norm in its body, or ALTER FUNCTION lib.plnest(text) SET search_path = lib"),
        "{text}"
    );
    // What PostgreSQL has itself, what has its schema, what is no call, and what is in quotes.
    place("undefined_plain", "lib.plain(w)").run(&["plan"], 0);
}

#[test]
fn a_name_of_the_policy_itself_is_told_as_before() {
    let text = found(&place("undefined_norm", "norm(w)"));
    assert!(text.contains("write lib.norm in"), "{text}");
    assert!(!text.contains("ALTER FUNCTION"), "{text}");
}

#[test]
fn a_function_with_a_search_path_of_its_own_needs_no_advice() {
    place("undefined_good", "lib.good(w)").run(&["plan"], 0);
}
