//! Every order in which loads, stores, invalidations and ends can follow one another.
//!
//! The cache does each of its steps under one lock, so an order of steps is all that threads can differ in: each one is
//! played, from an empty or a filled cache, and what every call gets is compared with what was written before it began.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use super::super::error::Error;
use super::super::query::Query;
use super::flight::Flight;
use super::key::Key;
use super::options::CacheOptions;
use super::store::{Cache, Found, Load, Loaded, Look, Wanted};

const TTL: Duration = Duration::from_secs(3600);

/// What one thread does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Actor {
    Reader {
        kind: Reader,
        reads: usize,
    },
    /// Commits, then ends what is older, so often.
    Writer {
        ends: Ends,
        writes: usize,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Reader {
    Patient,
    /// All that is kept is too old for it.
    Expired,
    /// Loads anew although what is kept is young.
    Ahead,
    /// Has a session in hand: loads beside another's load.
    Beside,
    /// Gives up after the server has answered.
    GivesUp,
    /// The server refuses it.
    Fails,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ends {
    Tag,
    Key,
    All,
}

/// What an actor is at.
enum At {
    Begins,
    /// Its duty, and whether it has asked the server yet: for what.
    Loads(Load, Option<i32>),
    Waits(Arc<Flight>),
    Committed,
}

struct Playing {
    actor: Actor,
    left: usize,
    at: At,
    /// What was written and invalidated before its call began.
    floor: i32,
}

struct World {
    cache: Arc<Cache>,
    key: Key,
    /// What the server says now.
    version: i32,
    /// Nothing older may be seen by a call that begins now.
    floor: i32,
    seen: Seen,
}

/// That the schedules reach what they are about.
#[derive(Default, Debug)]
struct Seen {
    schedules: usize,
    hits: usize,
    shared: usize,
    waited_in_vain: usize,
    /// Results that were outdated when they were to be stored.
    outdated: usize,
    /// Loads beside a load.
    beside: usize,
}

fn read(_: &postgres::Row) -> Result<i32, Error> {
    Ok(0)
}

fn key_of<F: Fn(&postgres::Row) -> Result<i32, Error> + 'static>(_: F) -> Key {
    Key::new::<F>(&Query::new("SELECT n FROM t").reads("public.t")).unwrap()
}

fn loaded(version: i32) -> Loaded {
    Loaded { value: Arc::new(version), bytes: 8 }
}

fn version(value: &Arc<dyn Any + Send + Sync>) -> i32 {
    *value.downcast_ref::<i32>().unwrap()
}

impl World {
    fn new(filled: bool, seen: Seen) -> Self {
        let options = CacheOptions { max_entries: 1, ..CacheOptions::default() };
        let world = Self { cache: Arc::new(Cache::new(options)), key: key_of(read), version: 0, floor: 0, seen };
        if filled {
            let Look::Found(Found::Load(load)) = world.cache.look(&world.key, &wanted(Reader::Patient)) else {
                panic!()
            };
            load.succeed(loaded(0));
        }
        world
    }

    /// One step; whether the actor is at its end.
    fn step(&mut self, playing: &mut Playing, trace: &[usize]) -> bool {
        playing.at = match (playing.actor, std::mem::replace(&mut playing.at, At::Begins)) {
            (Actor::Writer { .. }, At::Begins) => {
                self.version += 1;
                // It is this that its own invalidation promises.
                playing.floor = self.version;
                At::Committed
            }
            (Actor::Writer { ends, .. }, At::Committed) => {
                match ends {
                    Ends::Tag => self.cache.invalidate("public.t"),
                    Ends::Key => self.cache.invalidate_key(&self.key),
                    Ends::All => self.cache.invalidate_all(),
                }
                self.floor = self.floor.max(playing.floor);
                playing.left -= 1;
                At::Begins
            }
            (Actor::Reader { kind, .. }, At::Begins) => {
                playing.floor = self.floor;
                self.look(kind, playing, trace)
            }
            (Actor::Reader { kind, .. }, At::Waits(flight)) => {
                let end = flight.wait(Duration::ZERO).unwrap();
                match self.cache.ended(&self.key, end) {
                    Some(found) => self.found(found, playing, trace),
                    None => {
                        self.seen.waited_in_vain += 1;
                        self.look(kind, playing, trace)
                    }
                }
            }
            (Actor::Reader { .. }, At::Loads(load, None)) => At::Loads(load, Some(self.version)),
            (Actor::Reader { kind, .. }, At::Loads(load, Some(found))) => {
                match kind {
                    Reader::GivesUp => drop(load),
                    Reader::Fails => load.fail(&Error::Closed),
                    Reader::Patient | Reader::Expired | Reader::Ahead | Reader::Beside => {
                        self.seen.outdated += usize::from(found < self.floor);
                        load.succeed(loaded(found));
                        self.gets(found, playing, trace);
                    }
                }
                playing.left -= 1;
                At::Begins
            }
            (actor, _) => panic!("{actor:?} does not do that"),
        };
        let (entries, bytes, _) = self.cache.counts();
        assert!(entries <= 1 && (entries == 0) == (bytes == 0), "{entries} entries, {bytes} bytes: {trace:?}");
        playing.left == 0
    }

    fn look(&mut self, kind: Reader, playing: &mut Playing, trace: &[usize]) -> At {
        match self.cache.look(&self.key, &wanted(kind)) {
            Look::Wait(_) if kind == Reader::Beside => {
                self.seen.beside += 1;
                let Ok(found) = self.cache.find(&self.key, &wanted(kind), || false) else { panic!() };
                self.found(found, playing, trace)
            }
            Look::Wait(flight) => At::Waits(flight),
            Look::Found(found) => self.found(found, playing, trace),
        }
    }

    fn found(&mut self, found: Found, playing: &mut Playing, trace: &[usize]) -> At {
        match found {
            Found::Load(load) => return At::Loads(load, None),
            Found::Kept(value, _) => {
                self.seen.hits += 1;
                self.gets(version(&value), playing, trace);
            }
            Found::Shared(value, _) => {
                self.seen.shared += 1;
                self.gets(version(&value), playing, trace);
            }
            // What stands in for an answer while the server is away.
            Found::Failed(_, Some((old, _))) => self.gets(version(&old), playing, trace),
            Found::Failed(_, None) => {}
        }
        playing.left -= 1;
        At::Begins
    }

    fn gets(&self, found: i32, playing: &Playing, trace: &[usize]) {
        let floor = playing.floor;
        assert!(found >= floor, "{:?} got {found} after {floor} was invalidated: {trace:?}", playing.actor);
    }
}

fn wanted(kind: Reader) -> Wanted {
    Wanted {
        ttl: if kind == Reader::Expired { Duration::ZERO } else { TTL },
        refresh_ahead: (kind == Reader::Ahead).then_some(0.0),
    }
}

/// Plays every schedule of these actors, each from its beginning.
fn play(actors: &[Actor], filled: bool, mut seen: Seen) -> Seen {
    // Which of those that can go on did, and how many could.
    let mut choices: Vec<(usize, usize)> = Vec::new();
    loop {
        let mut world = World::new(filled, std::mem::take(&mut seen));
        world.seen.schedules += 1;
        let mut playing: Vec<Playing> = actors
            .iter()
            .map(|actor| {
                let (Actor::Reader { reads: left, .. } | Actor::Writer { writes: left, .. }) = *actor;
                Playing { actor: *actor, left, at: At::Begins, floor: 0 }
            })
            .collect();
        let mut trace = Vec::new();
        loop {
            let able: Vec<usize> = (0..playing.len())
                .filter(|number| {
                    let Playing { left, at, .. } = &playing[*number];
                    let blocked = matches!(at, At::Waits(flight) if flight.wait(Duration::ZERO).is_none());
                    *left > 0 && !blocked
                })
                .collect();
            if able.is_empty() {
                assert!(playing.iter().all(|one| one.left == 0), "somebody waits for ever: {trace:?}");
                break;
            }
            let turn = trace.len();
            if turn == choices.len() {
                choices.push((0, able.len()));
            }
            let number = able[choices[turn].0];
            trace.push(number);
            world.step(&mut playing[number], &trace);
        }
        // What is kept in the end is no older than the last invalidation.
        if let Some((value, _)) = world.cache.old(&world.key) {
            assert!(version(&value) >= world.floor, "{trace:?}");
        }
        seen = world.seen;
        choices.truncate(trace.len());
        while choices.last().is_some_and(|(choice, able)| choice + 1 == *able) {
            choices.pop();
        }
        match choices.last_mut() {
            Some((choice, _)) => *choice += 1,
            None => return seen,
        }
    }
}

const READERS: [Reader; 6] =
    [Reader::Patient, Reader::Expired, Reader::Ahead, Reader::Beside, Reader::GivesUp, Reader::Fails];

#[test]
fn in_no_order_is_anything_older_than_an_invalidation_seen_after_it() {
    let mut seen = Seen::default();
    for filled in [false, true] {
        for ends in [Ends::Tag, Ends::Key, Ends::All] {
            let writer = Actor::Writer { ends, writes: 1 };
            for first in READERS {
                let alone = [Actor::Reader { kind: first, reads: 2 }, Actor::Writer { ends, writes: 2 }];
                seen = play(&alone, filled, seen);
                // Together they are many: from an empty cache for one of the three.
                for second in READERS.into_iter().filter(|_| filled || ends == Ends::Key) {
                    // The second reads once more, to see what is kept.
                    let [first, second] = [(first, 1), (second, 2)].map(|(kind, reads)| Actor::Reader { kind, reads });
                    seen = play(&[first, second, writer], filled, seen);
                }
            }
        }
    }
    println!("{seen:?}");
    let Seen { schedules, hits, shared, waited_in_vain, outdated, beside } = seen;
    assert!(schedules > 50_000 && [hits, shared, waited_in_vain, outdated, beside].iter().all(|n| *n > 100));
}

#[test]
fn two_writers_that_end_different_things_leave_nothing_older_either() {
    let mut seen = Seen::default();
    for (one, two) in [(Ends::Tag, Ends::Key), (Ends::Tag, Ends::All), (Ends::Key, Ends::All)] {
        for kind in READERS {
            let writers = [one, two].map(|ends| Actor::Writer { ends, writes: 1 });
            seen = play(&[Actor::Reader { kind, reads: 2 }, writers[0], writers[1]], true, seen);
        }
    }
    assert!(seen.schedules > 2_000 && seen.outdated > 100, "{seen:?}");
}
