//! Several sources and an environment into one tree: maps merge, scalars and lists replace, `null` removes; `holds` and
//! `apply.allow` only ever add.

use std::collections::{BTreeMap, BTreeSet};

use super::path::Segment;
use super::source_map::SourceMap;
use super::tree::Tree;
use super::{Label, PolicyError, PolicyPath};

type Map = BTreeMap<String, Tree>;

/// Sections that several files may add to; every other one appears in one file only.
const SHARED: [&str; 5] = ["tables", "holds", "limits", "settings", "environments"];

/// What the sources say together.
#[derive(Default)]
pub(crate) struct Merged {
    pub(crate) root: Map,
    pub(crate) map: SourceMap,
    pub(crate) errors: Vec<PolicyError>,
    /// Tables that the environment takes out; holds may still name them.
    pub(crate) removed: BTreeSet<String>,
}

impl Merged {
    /// Adds a file.
    pub(crate) fn file(&mut self, root: &Map, map: &SourceMap) {
        self.map.take_root(map);
        for (section, value) in root {
            let path = PolicyPath::root().key(section);
            match (self.root.get_mut(section), value) {
                (None, _) => {
                    self.root.insert(section.clone(), value.clone());
                    self.map.take(map, &path, &path);
                }
                // Every file says it for itself.
                (Some(_), _) if section == "version" => {}
                (Some(Tree::Map(base)), Tree::Map(over)) if SHARED.contains(&section.as_str()) => {
                    if section == "tables" || section == "holds" {
                        let twice: Vec<_> = over.keys().filter(|key| base.contains_key(*key)).collect();
                        if !twice.is_empty() {
                            let twice = twice.into_iter().map(|key| in_two_files(&path.key(key), &self.map, map));
                            self.errors.extend(twice);
                            continue;
                        }
                    }
                    let mut merge = Merge { map: &mut self.map, over: map, errors: &mut self.errors, file: true };
                    merge.maps(base, over, &path, &path);
                }
                (Some(Tree::Null), _) => {
                    self.root.insert(section.clone(), value.clone());
                    self.map.remove(&path);
                    self.map.take(map, &path, &path);
                }
                (Some(_), Tree::Null) if SHARED.contains(&section.as_str()) => {}
                (Some(_), _) => self.errors.push(in_two_files(&path, &self.map, map)),
            }
        }
    }

    /// Lays an environment over the files.
    pub(crate) fn environment(&mut self, name: &str) {
        let from = PolicyPath::of(["environments", name]);
        let over = match self.root.get("environments").and_then(|all| all.get(name)) {
            Some(Tree::Map(over)) => over.clone(),
            Some(Tree::Null) | None => Map::new(),
            Some(other) => {
                self.errors.push(PolicyError::at(from, format!("expected a map, found {}", other.kind())));
                return;
            }
        };
        for section in ["version", "environments"] {
            if over.contains_key(section) {
                let message = format!("an environment has no `{section}` of its own");
                self.errors.push(PolicyError::at_key(from.key(section), message));
            }
        }
        if let Some(Tree::Map(tables)) = over.get("tables") {
            self.removed = tables.iter().filter(|(_, table)| table.is_null()).map(|(name, _)| name.clone()).collect();
        }
        let original = self.map.clone();
        let mut merge = Merge { map: &mut self.map, over: &original, errors: &mut self.errors, file: false };
        merge.maps(&mut self.root, &over, &PolicyPath::root(), &from);
        let errors = std::mem::take(&mut self.errors);
        self.errors = original.locate(errors);
    }
}

fn in_two_files(path: &PolicyPath, first: &SourceMap, second: &SourceMap) -> PolicyError {
    let name = match path.segments().last() {
        Some(Segment::Key(key)) => key.clone(),
        Some(Segment::Index(_)) | None => String::new(),
    };
    let section = path.segments().len() == 1;
    let message = if section {
        format!("`{name}` is in two files; it appears in one only")
    } else {
        format!("`{name}` is in two files")
    };
    let mut error = PolicyError::at_key(path.clone(), message).says("again");
    for label in &mut error.labels {
        label.place = second.key(path);
    }
    if let Some(place) = first.key(path) {
        error = error.and(Label::placed(path.clone(), place, "first here"));
    }
    match path.segments() {
        [Segment::Key(tables), _] if tables == "tables" => {
            error.help("what differs by environment goes under `environments`")
        }
        _ => error,
    }
}

/// One merge of a map over another.
struct Merge<'a> {
    map: &'a mut SourceMap,
    over: &'a SourceMap,
    errors: &'a mut Vec<PolicyError>,
    /// Between files an environment's `null` has to be kept: it removes something later on.
    file: bool,
}

impl Merge<'_> {
    fn maps(&mut self, base: &mut Map, over: &Map, to: &PolicyPath, from: &PolicyPath) {
        for (key, value) in over {
            let (to, from) = (to.key(key), from.key(key));
            if self.only_adds(base, key, value, &to, &from) {
                continue;
            }
            let keeps_null =
                self.file && matches!(to.segments().first(), Some(Segment::Key(key)) if key == "environments");
            match (base.get_mut(key), value) {
                (Some(Tree::Map(base)), Tree::Map(over)) => self.maps(base, over, &to, &from),
                (_, Tree::Null) if !keeps_null => {
                    base.remove(key);
                    self.map.remove(&to);
                }
                (_, value) => {
                    base.insert(key.clone(), if keeps_null { value.clone() } else { without_nulls(value) });
                    self.map.remove(&to);
                    self.map.take(self.over, &from, &to);
                }
            }
        }
    }

    /// Whether this was a place that only ever adds, and has been dealt with.
    fn only_adds(&mut self, base: &mut Map, key: &str, value: &Tree, to: &PolicyPath, from: &PolicyPath) -> bool {
        let keys: Vec<&str> = to
            .segments()
            .iter()
            .map(|segment| match segment {
                Segment::Key(key) => key.as_str(),
                Segment::Index(_) => "",
            })
            .collect();
        let keys = match keys.as_slice() {
            ["environments", _, rest @ ..] if self.file => rest,
            all => all,
        };
        let existing = base.get_mut(key);
        let mut refuse = |message: &str| {
            let error = PolicyError::at_key(from.clone(), message);
            self.errors.extend(self.over.locate(vec![error.help("`holds` and `apply.allow` only ever add")]));
            true
        };
        match (keys, existing, value) {
            (["holds"], Some(_), Tree::Null) => refuse("`holds` cannot be removed"),
            (["holds", name], Some(_), Tree::Null) => refuse(&format!("the hold `{name}` cannot be removed")),
            (["holds", name], Some(_), _) => {
                refuse(&format!("the hold `{name}` is there already, and cannot be changed"))
            }
            (["apply"], Some(Tree::Map(apply)), Tree::Null) if apply.contains_key("allow") => {
                refuse("`apply` cannot be removed, since it has an `allow`")
            }
            (["apply", "allow"], Some(_), Tree::Null) => refuse("`apply.allow` cannot be removed"),
            (["apply", "allow"], Some(Tree::List(allowed)), Tree::List(more)) => {
                for (at, grant) in more.iter().enumerate() {
                    self.map.take(self.over, &from.index(at), &to.index(allowed.len()));
                    allowed.push(grant.clone());
                }
                true
            }
            _ => false,
        }
    }
}

fn without_nulls(value: &Tree) -> Tree {
    match value {
        Tree::Map(map) => Tree::Map(
            map.iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), without_nulls(value)))
                .collect(),
        ),
        Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::Text(_) | Tree::List(_) => value.clone(),
    }
}
