//! From a path to the file and the place there, overlays included.

use std::collections::BTreeMap;

use super::index::{Index, Spot};
use super::{Place, PolicyError, PolicyPath};

/// Where every value of a loaded policy comes from.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SourceMap {
    spots: BTreeMap<PolicyPath, (String, Spot)>,
}

impl Clone for SourceMap {
    fn clone(&self) -> Self {
        #[cfg(test)]
        work::count(self.spots.len());
        Self { spots: self.spots.clone() }
    }
}

impl SourceMap {
    pub(crate) fn of(name: &str, index: Index) -> Self {
        Self { spots: index.into_iter().map(|(path, spot)| (path, (name.to_owned(), spot))).collect() }
    }

    /// Where the value of `path` stands, or what it would be in.
    pub fn value(&self, path: &PolicyPath) -> Option<Place> {
        self.nearest(path).map(|(source, spot)| Place { source: source.clone(), span: spot.value.clone() })
    }

    /// Where the key of `path` stands, if it stands anywhere: a default is in no file.
    pub fn exactly(&self, path: &PolicyPath) -> Option<Place> {
        self.spots.get(path).map(|(source, spot)| Place {
            source: source.clone(),
            span: spot.key.clone().unwrap_or_else(|| spot.value.clone()),
        })
    }

    /// Where the key of `path` stands, or what it would be in.
    pub fn key(&self, path: &PolicyPath) -> Option<Place> {
        self.nearest(path).map(|(source, spot)| Place {
            source: source.clone(),
            span: spot.key.clone().unwrap_or_else(|| spot.value.clone()),
        })
    }

    /// Fills in the places that errors and warnings know by path only.
    #[must_use]
    pub fn locate(&self, mut errors: Vec<PolicyError>) -> Vec<PolicyError> {
        for label in errors.iter_mut().flat_map(|error| &mut error.labels) {
            if label.place.is_none() {
                label.place = if label.on_key { self.key(&label.path) } else { self.value(&label.path) };
            }
        }
        errors
    }

    fn nearest(&self, path: &PolicyPath) -> Option<&(String, Spot)> {
        let mut path = path.clone();
        loop {
            if let Some(found) = self.spots.get(&path) {
                return Some(found);
            }
            path = path.parent()?;
        }
    }

    /// Forgets `path` and all inside it.
    pub(crate) fn remove(&mut self, path: &PolicyPath) {
        let gone: Vec<_> =
            self.spots.range(path.clone()..).map(|(at, _)| at).take_while(|at| at.is_within(path)).cloned().collect();
        for at in gone {
            self.spots.remove(&at);
        }
    }

    /// The same without what stands inside `path`, which itself stays.
    pub(crate) fn without_inside(&self, path: &PolicyPath) -> Self {
        let outside = self.spots.iter().filter(|(at, _)| *at == path || !at.is_within(path));
        Self { spots: outside.map(|(at, spot)| (at.clone(), spot.clone())).collect() }
    }

    /// Takes over where the whole policy stands, from the first file.
    pub(crate) fn take_root(&mut self, other: &Self) {
        if let (None, Some(spot)) = (self.spots.get(&PolicyPath::root()), other.spots.get(&PolicyPath::root())) {
            self.spots.insert(PolicyPath::root(), spot.clone());
        }
    }

    /// Takes over `from` and all inside it from another map, as `to` here.
    pub(crate) fn take(&mut self, other: &Self, from: &PolicyPath, to: &PolicyPath) {
        for (at, spot) in other.spots.range(from.clone()..).take_while(|(at, _)| at.is_within(from)) {
            #[cfg(test)]
            work::count(1);
            if let Some(at) = at.rebased(from, to) {
                self.spots.insert(at, spot.clone());
            }
        }
    }
}

/// How much was read and copied, for a test of how that grows: a clock would tell how busy the machine is.
#[cfg(test)]
pub(crate) mod work {
    use std::cell::Cell;

    thread_local! {
        static DONE: Cell<usize> = const { Cell::new(0) };
    }

    pub(crate) fn count(more: usize) {
        DONE.with(|done| done.set(done.get() + more));
    }

    /// What was done since the last time.
    pub(crate) fn taken() -> usize {
        DONE.with(|done| done.replace(0))
    }
}
