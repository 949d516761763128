//! Results, generations and loads under way, under one lock.

use std::any::Any;
use std::collections::BTreeMap;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use lru::LruCache;

use super::super::error::Error;
use super::flight::{End, Flight};
use super::key::{Hashed, Key};
use super::options::CacheOptions;

pub(super) type Value = Arc<dyn Any + Send + Sync>;

/// What an entry takes beside its rows and its key.
const OVERHEAD: u64 = 128;

/// See the [module](super).
pub(in crate::client) struct Cache {
    pub(in crate::client) options: CacheOptions,
    state: Mutex<State>,
}

struct State {
    entries: LruCache<Key, Entry, BuildHasherDefault<Hashed>>,
    bytes: u64,
    generations: BTreeMap<Box<[u8]>, u64>,
    /// Goes up where everything is invalidated.
    epoch: u64,
    flights: BTreeMap<u64, Flying>,
    next: u64,
    counts: Evicted,
}

/// A load under way.
struct Flying {
    key: Key,
    generation: Generation,
    flight: Arc<Flight>,
}

#[derive(Clone)]
struct Entry {
    value: Value,
    born: Born,
    generation: Generation,
    bytes: u64,
}

/// Before a query was sent, by two clocks: one of them stands still while a machine sleeps.
#[derive(Clone, Copy, Debug)]
pub(in crate::client) struct Born(Instant, SystemTime);

/// The generations of some tags at one moment, and the epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Generation(u64, Box<[u64]>);

/// Why entries went, and how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::client) struct Evicted {
    pub(in crate::client) for_room: u64,
    pub(in crate::client) invalidated: u64,
    pub(in crate::client) expired: u64,
    pub(in crate::client) too_large: u64,
}

/// What a call found.
pub(in crate::client) enum Found {
    /// Young enough.
    Kept(Value, Duration),
    /// Another call loaded it.
    Shared(Value, Duration),
    /// This call must load it.
    Load(Load),
    /// What another call's load ended with, and what is still there.
    Failed(Error, Option<(Value, Duration)>),
}

/// What a load brought.
pub(in crate::client) struct Loaded {
    pub(in crate::client) value: Value,
    /// Of the rows alone.
    pub(in crate::client) bytes: u64,
}

/// The duty to load; dropped without a result it passes on to whoever waits.
pub(in crate::client) struct Load {
    cache: Arc<Cache>,
    key: Key,
    generation: Generation,
    born: Born,
    /// `None` beside another load of the same: nobody waits for it, and it is not kept.
    flight: Option<(u64, Arc<Flight>)>,
}

/// What a call finds without waiting.
pub(in crate::client) enum Look {
    Found(Found),
    /// Another call loads it.
    Wait(Arc<Flight>),
}

/// How a call wants it.
pub(in crate::client) struct Wanted {
    pub(in crate::client) ttl: Duration,
    /// From which share of `ttl` on one call loads it anew.
    pub(in crate::client) refresh_ahead: Option<f64>,
}

impl Born {
    pub(in crate::client) fn now() -> Self {
        Self(Instant::now(), SystemTime::now())
    }

    /// By whichever clock says more.
    pub(in crate::client) fn age(self) -> Duration {
        self.age_at(Self::now())
    }

    fn age_at(self, now: Self) -> Duration {
        now.0.saturating_duration_since(self.0).max(now.1.duration_since(self.1).unwrap_or_default())
    }
}

impl Cache {
    pub(in crate::client) fn new(options: CacheOptions) -> Self {
        let state = State {
            // Its own bound is the number of entries; the other is kept here.
            entries: LruCache::unbounded_with_hasher(BuildHasherDefault::default()),
            bytes: 0,
            generations: BTreeMap::new(),
            epoch: 0,
            flights: BTreeMap::new(),
            next: 0,
            counts: Evicted::default(),
        };
        Self { options, state: Mutex::new(state) }
    }

    /// What is there, young enough; or else another call's load, waited for; or else the duty to load. Whoever may not wait
    /// has a session in hand, which that load may be waiting for.
    pub(in crate::client) fn find(
        self: &Arc<Self>,
        key: &Key,
        wanted: &Wanted,
        may_wait: impl Fn() -> bool,
    ) -> Result<Found, Error> {
        let mut begun = None;
        loop {
            let flight = match self.look(key, wanted) {
                Look::Found(found) => return Ok(found),
                Look::Wait(flight) if may_wait() => flight,
                // One more load of the same, that nobody waits for.
                Look::Wait(_) => {
                    let generation = self.lock().generation(key);
                    return Ok(Found::Load(self.load(key, generation, None)));
                }
            };
            let begun = begun.get_or_insert_with(Instant::now);
            let Some(end) = flight.wait(self.options.wait.saturating_sub(begun.elapsed())) else {
                return Err(Error::Timeout { waited: begun.elapsed() });
            };
            if let Some(found) = self.ended(key, end) {
                return Ok(found);
            }
        }
    }

    /// What is there, young enough; or another call's load; or else the duty to load.
    pub(in crate::client) fn look(self: &Arc<Self>, key: &Key, wanted: &Wanted) -> Look {
        // Clocks are read before the lock: all hits wait for it.
        let now = Born::now();
        let mut state = self.lock();
        if let Some((value, born)) = state.current(key) {
            let age = born.age_at(now);
            let ahead = wanted.refresh_ahead.is_some_and(|share| age >= wanted.ttl.mul_f64(share));
            if age < wanted.ttl && (!ahead || state.flight(key).is_some()) {
                return Look::Found(Found::Kept(value, age));
            }
        }
        match state.flight(key) {
            Some(flight) => Look::Wait(flight),
            None => {
                let generation = state.generation(key);
                let number = state.next;
                state.next += 1;
                let flight = Arc::new(Flight::default());
                let (own, of) = (Arc::clone(&flight), generation.clone());
                state.flights.insert(number, Flying { key: key.clone(), generation: of, flight });
                Look::Found(Found::Load(self.load(key, generation, Some((number, own)))))
            }
        }
    }

    /// What a load ended with, for those who waited for it; `None` where somebody else must load.
    pub(in crate::client) fn ended(&self, key: &Key, end: End) -> Option<Found> {
        match end {
            End::Value(value, born) => Some(Found::Shared(value, born.age())),
            End::Error(error) => Some(Found::Failed(error, self.old(key))),
            End::Gone => None,
        }
    }

    /// What is there, however old, if it was not invalidated.
    pub(in crate::client) fn old(&self, key: &Key) -> Option<(Value, Duration)> {
        let (value, born) = self.lock().current(key)?;
        Some((value, born.age()))
    }

    /// From now on nothing older is found under that tag.
    pub(in crate::client) fn invalidate(&self, tag: &str) {
        let mut state = self.lock();
        match state.generations.get_mut(tag.as_bytes()) {
            Some(generation) => *generation += 1,
            None => {
                state.generations.insert(tag.as_bytes().into(), 1);
            }
        }
    }

    /// Nor anything of this key; a load of it that runs is not stored either.
    pub(in crate::client) fn invalidate_key(&self, key: &Key) {
        let mut state = self.lock();
        if let Some(entry) = state.entries.pop(key) {
            state.bytes -= entry.bytes;
            state.counts.invalidated += 1;
        }
        for flying in state.flights.values_mut().filter(|flying| flying.key == *key) {
            // No generation is ever that.
            flying.generation = Generation(u64::MAX, Box::default());
        }
    }

    /// Nor anything at all.
    pub(in crate::client) fn invalidate_all(&self) {
        let mut state = self.lock();
        state.epoch += 1;
        state.counts.invalidated += u64::try_from(state.entries.len()).unwrap_or_default();
        state.entries.clear();
        state.bytes = 0;
    }

    /// Entries, bytes, and why others went.
    pub(in crate::client) fn counts(&self) -> (usize, u64, Evicted) {
        let state = self.lock();
        (state.entries.len(), state.bytes, state.counts)
    }

    fn load(self: &Arc<Self>, key: &Key, generation: Generation, flight: Option<(u64, Arc<Flight>)>) -> Load {
        Load { cache: Arc::clone(self), key: key.clone(), generation, born: Born::now(), flight }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn generation(&self, key: &Key) -> Generation {
        Generation(self.epoch, key.tags().map(|tag| of_tag(&self.generations, tag)).collect())
    }

    /// A load of it under way that nothing was invalidated since.
    fn flight(&self, key: &Key) -> Option<Arc<Flight>> {
        let flying = self
            .flights
            .values()
            .find(|flying| flying.key == *key && flying.generation.is_current(self.epoch, &self.generations, key));
        flying.map(|flying| Arc::clone(&flying.flight))
    }

    /// The entry, unless it was invalidated: then it goes.
    fn current(&mut self, key: &Key) -> Option<(Value, Born)> {
        let entry = self.entries.get(key)?;
        if entry.generation.is_current(self.epoch, &self.generations, key) {
            return Some((Arc::clone(&entry.value), entry.born));
        }
        if let Some(entry) = self.entries.pop(key) {
            self.bytes -= entry.bytes;
            self.counts.invalidated += 1;
        }
        None
    }

    /// Makes room first: the bounds hold at every instant.
    fn store(&mut self, options: &CacheOptions, key: Key, entry: Entry) {
        if let Some(old) = self.entries.pop(&key) {
            self.bytes -= old.bytes;
            self.counts.expired += 1;
        }
        if entry.bytes > options.max_entry_bytes.min(options.max_bytes) {
            self.counts.too_large += 1;
            return;
        }
        while self.entries.len() >= options.max_entries || self.bytes + entry.bytes > options.max_bytes {
            let Some((_, gone)) = self.entries.pop_lru() else { break };
            self.bytes -= gone.bytes;
            self.counts.for_room += 1;
        }
        self.bytes += entry.bytes;
        self.entries.push(key, entry);
    }
}

impl Generation {
    /// Whether it is that of the key now; asked at each hit, so without a copy of it.
    fn is_current(&self, epoch: u64, generations: &BTreeMap<Box<[u8]>, u64>, key: &Key) -> bool {
        let Self(of_epoch, of_tags) = self;
        *of_epoch == epoch && key.tags().map(|tag| of_tag(generations, tag)).eq(of_tags.iter().copied())
    }
}

fn of_tag(generations: &BTreeMap<Box<[u8]>, u64>, tag: &[u8]) -> u64 {
    generations.get(tag).copied().unwrap_or_default()
}

impl Load {
    /// Keeps it, unless it was invalidated since; gives it to all who wait. How old it is.
    pub(in crate::client) fn succeed(mut self, loaded: Loaded) -> Duration {
        let Loaded { value, bytes } = loaded;
        let born = self.born;
        let bytes = bytes.saturating_add(self.key.bytes()).saturating_add(OVERHEAD);
        let mut state = self.cache.lock();
        // A flight may have been spoiled since. What was loaded beside one is not kept: nobody could have spoiled it.
        let flight = self.flight.take();
        let flying = flight.as_ref().and_then(|(number, _)| state.flights.remove(number));
        let current = flying.is_some_and(|flying| flying.generation == self.generation);
        if current && state.generation(&self.key) == self.generation {
            let entry = Entry { value: Arc::clone(&value), born, generation: self.generation.clone(), bytes };
            state.store(&self.cache.options, self.key.clone(), entry);
        }
        drop(state);
        if let Some((_, flight)) = flight {
            flight.end(End::Value(value, born));
        }
        born.age()
    }

    /// Tells all who wait.
    pub(in crate::client) fn fail(mut self, error: &Error) {
        self.finish(End::Error(error.clone()));
    }

    fn finish(&mut self, end: End) {
        if let Some((number, flight)) = self.flight.take() {
            self.cache.lock().flights.remove(&number);
            flight.end(end);
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.finish(End::Gone);
    }
}
