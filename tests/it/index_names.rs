//! A name that an index cannot find, because it is built with an empty search path.

use crate::support::database;
use crate::support::drive::{desired, grant_all, plan_now};

#[test]
fn the_hint_names_the_qualified_form_that_is_there() {
    let db = database("index_names");
    db.batch(
        r#"
CREATE SCHEMA "My Own";
CREATE TYPE "My Own".mood AS ENUM ('x');
CREATE COLLATION "My Own".spoken FROM "C";
CREATE TABLE t (at timestamptz NOT NULL, v int, w text, kind "My Own".mood) PARTITION BY RANGE (at);
CREATE TABLE t_all PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('2040-01-01');
CREATE FUNCTION norm(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower($1)';
CREATE FUNCTION "My Own"."Is It"(text) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION "My Own".norm(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower($1)';
CREATE OPERATOR CLASS by_text FOR TYPE text USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
  FUNCTION 1 bttextcmp(text, text);
"#,
    );
    let policy = desired(
        r#"
version: 1
tables:
  public.t:
    partition: {key: at, interval: 1 month, premake: 1}
    indexes:
      a: {columns: [norm(w)]}
      b: {columns: [v], where: "\"Is It\"(w)"}
      c: {columns: ["w collate spoken"]}
      d: {columns: [v], where: "kind = 'x'::mood"}
      e: {columns: [w by_text]}
      f: {columns: [nobody(w)]}
      g: {columns: [public.norm(w)]}
      h: {columns: [w public.by_text desc]}
"#,
    );
    let (plan, _) = plan_now(db.url(), &policy, None, &grant_all());
    let hints: Vec<(String, String)> = plan
        .findings
        .iter()
        .map(|finding| (finding.object.as_ref().unwrap().to_string(), finding.hint.clone().unwrap_or_default()))
        .collect();
    let path = "an index is built with an empty search_path";
    let expected = [
        ("public.a", format!("write \"My Own\".norm, public.norm in `tables.public.t.indexes.a`: {path}")),
        ("public.b", format!("write \"My Own\".\"Is It\" in `tables.public.t.indexes.b`: {path}")),
        ("public.c", format!("write \"My Own\".spoken in `tables.public.t.indexes.c`: {path}")),
        ("public.d", format!("write \"My Own\".mood in `tables.public.t.indexes.d`: {path}")),
        ("public.e", format!("write public.by_text in `tables.public.t.indexes.e`: {path}")),
        ("public.f", "correct `tables.public.t.indexes.f` in the policy".to_owned()),
    ];
    assert_eq!(hints, expected.map(|(object, hint)| (object.to_owned(), hint)));
    let made = plan.steps.iter().filter(|step| step.action.word() == "create index").count();
    assert_eq!(made, 2, "what is qualified can be built");
}
