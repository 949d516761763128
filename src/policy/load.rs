//! From sources to one typed policy.

use std::collections::{BTreeMap, BTreeSet};

use super::decode::decode;
use super::index::{canonical_key, index};
use super::interpolate::{interpolate, is_readable, is_secret, references};
use super::overlay::Merged;
use super::source_map::SourceMap;
use super::spec::{ExpectSpec, PolicySpec};
use super::tree::Tree;
use super::{Place, PolicyError, PolicyPath, suggest};
use crate::sql::Ident;

/// The version of the policy language that this crate reads.
pub const VERSION: u64 = 1;

/// A policy file, already read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// How the file is called in messages: its path as the user gave it.
    pub name: String,
    /// What is in it; other than UTF-8 is an error.
    pub bytes: Vec<u8>,
}

impl Source {
    /// A source from its name and content.
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: bytes.into() }
    }
}

/// One policy, merged and typed, its references not yet looked up (except in `connection.expect`).
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub(super) spec: PolicySpec,
    pub(super) removed_tables: BTreeSet<String>,
    /// Variables that it may refer to besides those whose names say so.
    variables: BTreeSet<String>,
}

impl Policy {
    /// What the YAML says.
    pub fn spec(&self) -> &PolicySpec {
        &self.spec
    }

    /// `connection.url` with its references looked up; `None` without one, or when it comes out empty.
    ///
    /// # Errors
    /// A variable that is not set and has no default.
    pub fn connection_url(&self, vars: &dyn Fn(&str) -> Option<String>) -> Result<Option<String>, PolicyError> {
        let url = self.spec.connection.as_ref().and_then(|connection| connection.url.as_ref());
        self.url_at(PolicyPath::of(["connection", "url"]), url.map(AsRef::as_ref), vars)
    }

    /// `connection.owners` with their references looked up, by role.
    ///
    /// # Errors
    /// A variable that is not set and has no default.
    pub fn owner_urls(&self, vars: &dyn Fn(&str) -> Option<String>) -> Result<BTreeMap<Ident, String>, PolicyError> {
        let owners = self.spec.connection.as_ref().and_then(|connection| connection.owners.as_ref());
        let mut urls = BTreeMap::new();
        for (owner, url) in owners.into_iter().flatten() {
            let path = PolicyPath::of(["connection", "owners"]).key(owner);
            if let Some(url) = self.url_at(path, Some(url.as_ref()), vars)? {
                urls.insert(Ident::new(owner.as_str()), url);
            }
        }
        Ok(urls)
    }

    /// `limits.pgbouncer.admin_url` with its references looked up; `None` without one, or when it comes out empty.
    ///
    /// # Errors
    /// A variable that is not set and has no default.
    pub fn pgbouncer_admin_url(&self, vars: &dyn Fn(&str) -> Option<String>) -> Result<Option<String>, PolicyError> {
        let pgbouncer = self.spec.limits.as_ref().and_then(|limits| limits.pgbouncer.as_ref());
        let url = pgbouncer.and_then(|pgbouncer| pgbouncer.admin_url.as_ref());
        self.url_at(PolicyPath::of(["limits", "pgbouncer", "admin_url"]), url.map(AsRef::as_ref), vars)
    }

    /// An URL: the one kind of value that may be a secret.
    fn url_at(
        &self,
        path: PolicyPath,
        text: Option<&str>,
        vars: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<String>, PolicyError> {
        look_up(path, text, true, &self.variables, vars)
    }
}

fn look_up(
    path: PolicyPath,
    text: Option<&str>,
    is_url: bool,
    variables: &BTreeSet<String>,
    vars: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<String>, PolicyError> {
    let Some(text) = text else { return Ok(None) };
    let (names, whole) = references(text);
    for name in names {
        if !is_readable(name) && !variables.contains(name) {
            let message = format!("a policy does not read `{name}`: only PG*, DATABASE_* and PGSTRATA_*");
            return Err(PolicyError::at(path, message).help(format!("allow it with --policy-env {name}")));
        }
        // It would stand in what is shown, saved and compared; in an URL the rest could say whom it is sent to.
        if is_secret(name) && !(is_url && whole) {
            let message = format!("`{name}` is a secret: it can only be the whole value of a URL");
            return Err(PolicyError::at(path, message).help("let the variable hold the whole URL"));
        }
    }
    match interpolate(text, vars) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(error) => Err(PolicyError::at(path, error.to_string())),
    }
}

/// Reads, merges and types policy files, the environment `env` over them. `vars` looks up what `connection.expect`
/// refers to; URLs stay references until they are used.
///
/// # Errors
/// Everything found wrong, each with its place.
///
/// ```
/// use pgstrata::policy::{self, Source};
/// let source = Source::new("pgstrata.yaml", "version: 1\ntables:\n  app.log:\n    partition: {key: at, interval: 1 day}\n");
/// let (policy, _places) = policy::load(&[source], None, &|_| None)?;
/// let desired = policy.resolve()?;
/// assert_eq!(desired.tables.len(), 1);
/// # Ok::<(), Vec<policy::PolicyError>>(())
/// ```
pub fn load(
    sources: &[Source],
    env: Option<&str>,
    vars: &dyn Fn(&str) -> Option<String>,
) -> Result<(Policy, SourceMap), Vec<PolicyError>> {
    load_with(sources, env, &BTreeSet::new(), vars)
}

/// The same, where the policy may also refer to these variables; the others begin with `PG`, `DATABASE_` or `PGSTRATA_`.
///
/// # Errors
/// Everything found wrong, each with its place.
pub fn load_with(
    sources: &[Source],
    env: Option<&str>,
    variables: &BTreeSet<String>,
    vars: &dyn Fn(&str) -> Option<String>,
) -> Result<(Policy, SourceMap), Vec<PolicyError>> {
    let mut merged = merge(sources)?;
    check_environment(&merged, env).map_err(|error| merged.map.locate(vec![error]))?;
    if let Some(env) = env {
        merged.environment(env);
    }
    typed(merged, variables, vars)
}

/// What [`load_with`] gives of one environment, or what is wrong with it.
pub type Loaded = Result<(Policy, SourceMap), Vec<PolicyError>>;

/// Every environment by its name (or the policy without one, where it has none), each read, merged and typed once.
///
/// # Errors
/// What is wrong with the files as YAML, or where they contradict each other.
pub fn load_all(
    sources: &[Source],
    variables: &BTreeSet<String>,
    vars: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<(Option<String>, Loaded)>, Vec<PolicyError>> {
    let mut merged = merge(sources)?;
    let all = match merged.root.remove("environments") {
        Some(Tree::Map(all)) if !all.is_empty() => all,
        _ => return Ok(vec![(None, typed(merged, variables, vars))]),
    };
    // Each has the base and its own overlay before it, and nothing of the others.
    let path = PolicyPath::of(["environments"]);
    let base = merged.map.without_inside(&path);
    let each = all.into_iter().map(|(name, over)| {
        let from = path.key(&name);
        let mut map = base.clone();
        map.take(&merged.map, &from, &from);
        let mut one = Merged { root: merged.root.clone(), map, ..Merged::default() };
        one.root.insert("environments".to_owned(), Tree::Map([(name.clone(), over)].into()));
        one.environment(&name);
        let loaded = typed(one, variables, vars);
        (Some(name), loaded)
    });
    Ok(each.collect())
}

fn typed(merged: Merged, variables: &BTreeSet<String>, vars: &dyn Fn(&str) -> Option<String>) -> Loaded {
    let Merged { mut root, map, errors, removed } = merged;
    if !errors.is_empty() {
        return Err(map.locate(errors));
    }
    root.remove("environments");
    let mut spec: PolicySpec = decode(&Tree::Map(root)).map_err(|errors| map.locate(errors))?;
    if let Some(expect) = spec.connection.as_mut().and_then(|connection| connection.expect.as_mut()) {
        look_up_expected(expect, variables, vars).map_err(|errors| map.locate(errors))?;
    }
    Ok((Policy { spec, removed_tables: removed, variables: variables.clone() }, map))
}

/// The environments that these files have, sorted.
///
/// # Errors
/// What is wrong with the files as YAML, or where they contradict each other.
pub fn environments(sources: &[Source]) -> Result<Vec<String>, Vec<PolicyError>> {
    Ok(names(&merge(sources)?).into_iter().map(str::to_owned).collect())
}

fn names(merged: &Merged) -> Vec<&str> {
    let all = merged.root.get("environments").and_then(Tree::as_map);
    all.into_iter().flat_map(|all| all.keys().map(String::as_str)).collect()
}

fn merge(sources: &[Source]) -> Result<Merged, Vec<PolicyError>> {
    let mut merged = Merged::default();
    let mut errors = Vec::new();
    if sources.is_empty() {
        errors.push(PolicyError::at(PolicyPath::root(), "there is no policy file"));
    }
    for source in sources {
        match read(source) {
            Ok((root, map)) => {
                errors.extend(map.locate(check_version(&root).err().into_iter().collect()));
                if let Tree::Map(root) = root {
                    merged.file(&root, &map);
                }
            }
            Err(found) => errors.extend(found),
        }
    }
    errors.append(&mut merged.errors);
    // A list would otherwise be a policy without environments.
    match merged.root.get("environments") {
        Some(Tree::Map(_) | Tree::Null) | None => {}
        Some(other) => {
            let error =
                PolicyError::at(PolicyPath::of(["environments"]), format!("expected a map, found {}", other.kind()));
            errors.extend(merged.map.locate(vec![error.help("such as `environments: {production: {}, staging: {}}`")]));
        }
    }
    if errors.is_empty() { Ok(merged) } else { Err(errors) }
}

fn read(source: &Source) -> Result<(Tree, SourceMap), Vec<PolicyError>> {
    #[cfg(test)]
    super::source_map::work::count(source.bytes.len());
    let placed = |span, message: String| {
        PolicyError::placed(PolicyPath::root(), Place { source: source.name.clone(), span }, message)
    };
    let text = std::str::from_utf8(&source.bytes).map_err(|error| {
        let at = error.valid_up_to();
        vec![placed(at..at + 1, format!("byte {at} is not UTF-8")).help("save the file as UTF-8")]
    })?;
    let index = index(&source.name, text)?;
    if index.is_empty() {
        return Err(vec![placed(0..0, "the file is empty".to_owned()).help("begin it with `version: 1`")]);
    }
    // libyaml takes a byte order mark for a document of its own.
    let tree: Tree = serde_yaml::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(|error| {
        let at = error.location().map_or(0, |location| location.index().min(text.len()));
        vec![placed(at..at, error.to_string())]
    })?;
    let map = SourceMap::of(&source.name, index);
    match tree {
        Tree::Map(_) => Ok((with_canonical_keys(tree, &PolicyPath::root()), map)),
        Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::Text(_) | Tree::List(_) => {
            let error = PolicyError::at(PolicyPath::root(), format!("a policy is a map, not {}", tree.kind()));
            Err(map.locate(vec![error.help("begin it with `version: 1`")]))
        }
    }
}

fn with_canonical_keys(tree: Tree, path: &PolicyPath) -> Tree {
    // Tables are at most three keys deep; the rest keeps its keys.
    match tree {
        Tree::Map(map) if path.segments().len() <= 3 => Tree::Map(
            map.into_iter()
                .map(|(key, value)| {
                    let key = canonical_key(path, &key);
                    let value = with_canonical_keys(value, &path.key(&key));
                    (key, value)
                })
                .collect(),
        ),
        Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::Text(_) | Tree::List(_) | Tree::Map(_) => tree,
    }
}

fn check_version(root: &Tree) -> Result<(), PolicyError> {
    let path = PolicyPath::of(["version"]);
    match root.get("version") {
        Some(Tree::Number(number)) if number.as_u64() == Some(VERSION) => Ok(()),
        Some(Tree::Null) | None => {
            Err(PolicyError::at(path, "`version` is missing").help(format!("begin the file with `version: {VERSION}`")))
        }
        Some(Tree::Text(text)) if text.trim() == VERSION.to_string() => {
            Err(PolicyError::at(path, "the version is a number").help("write it without quotes"))
        }
        Some(other) => Err(PolicyError::at(path, format!("unknown version: {}", other.kind()))
            .help(format!("this pgstrata reads `version: {VERSION}`"))),
    }
}

fn check_environment(merged: &Merged, env: Option<&str>) -> Result<(), PolicyError> {
    let names = names(merged);
    let path = PolicyPath::of(["environments"]);
    match env {
        None if names.is_empty() => Ok(()),
        None => Err(PolicyError::at_key(path, "the policy has environments: name one with `--env`").help(format!(
            "there are {}",
            names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        ))),
        Some(env) if names.contains(&env) => Ok(()),
        Some(env) if names.is_empty() => {
            Err(PolicyError::at(PolicyPath::root(), format!("there is no environment `{env}`: the policy has none")))
        }
        Some(env) => {
            Err(PolicyError::at_key(path, format!("there is no environment `{env}`")).help(suggest::hint(env, &names)))
        }
    }
}

fn look_up_expected(
    expect: &mut ExpectSpec,
    variables: &BTreeSet<String>,
    vars: &dyn Fn(&str) -> Option<String>,
) -> Result<(), Vec<PolicyError>> {
    let ExpectSpec { database, cluster_name, system_identifier } = expect;
    let mut errors = Vec::new();
    for (key, value) in
        [("database", database), ("cluster_name", cluster_name), ("system_identifier", system_identifier)]
    {
        match look_up(PolicyPath::of(["connection", "expect", key]), value.as_deref(), false, variables, vars) {
            // An expectation that comes out empty was meant to be something: it must not just disappear.
            Ok(None) if value.is_some() => {
                let message = format!("`{key}` comes out empty");
                errors.push(PolicyError::at(PolicyPath::of(["connection", "expect", key]), message));
            }
            Ok(found) => *value = found,
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
