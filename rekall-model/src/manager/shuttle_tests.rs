//! The slot under a model checker: random schedules of its locks, waits and wake-ups. A failure
//! prints the schedule, to be replayed with `shuttle::replay`.

// The same file as `manager::slot`, compiled against the checker's primitives.
#[allow(clippy::duplicate_mod, dead_code)]
#[path = "slot.rs"]
mod slot;

mod sync {
    pub(super) use shuttle::sync::{Arc, Condvar, Mutex, MutexGuard};
}

use std::sync::atomic::Ordering;

use shuttle::sync::atomic::AtomicUsize;
use shuttle::thread;

use self::slot::{Entry, Removal, Slot};
use self::sync::Arc;

const SCHEDULES: usize = 3_000;

/// Counts how many of it exist.
struct Model {
    alive: Arc<AtomicUsize>,
}

impl Model {
    fn new(alive: &Arc<AtomicUsize>) -> Self {
        assert_eq!(alive.fetch_add(1, Ordering::SeqCst), 0, "two models at once");
        Self { alive: Arc::clone(alive) }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

type TestSlot = Slot<Model, u64, bool>;

struct World {
    slot: TestSlot,
    alive: Arc<AtomicUsize>,
    loads: AtomicUsize,
}

impl World {
    fn new() -> Arc<Self> {
        let alive = Arc::new(AtomicUsize::new(0));
        Arc::new(Self { slot: Slot::new(), alive, loads: AtomicUsize::new(0) })
    }

    /// What `ModelManager::lease` does; `fail` makes this caller's load fail.
    fn acquire(&self, fail: bool) -> Option<Arc<Model>> {
        loop {
            match self.slot.enter() {
                Entry::Ready(model) => return Some(model),
                Entry::MustLoad => {
                    self.loads.fetch_add(1, Ordering::SeqCst);
                    thread::yield_now();
                    if fail {
                        self.slot.failed();
                        return None;
                    }
                    let model = Arc::new(Model::new(&self.alive));
                    self.slot.loaded(Arc::clone(&model));
                    return Some(model);
                }
                Entry::Loading(round) => {
                    if let Some(model) = self.slot.wait(round) {
                        return Some(model);
                    }
                }
            }
        }
    }

    fn use_once(&self, fail: bool, drop_when_free: bool) {
        if let Some(model) = self.acquire(fail) {
            assert_eq!(model.alive.load(Ordering::SeqCst), 1, "unloaded under a caller");
            thread::yield_now();
            assert_eq!(model.alive.load(Ordering::SeqCst), 1, "unloaded under a caller");
            drop(model);
            self.drop_out(self.slot.release(0, true, drop_when_free));
        }
    }

    fn drop_out(&self, model: Option<Arc<Model>>) {
        if model.is_some() {
            drop(model);
            self.slot.dropped();
        }
    }
}

#[test]
fn many_callers_one_load() {
    shuttle::check_random(
        || {
            let world = World::new();
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let world = Arc::clone(&world);
                    thread::spawn(move || world.use_once(false, false))
                })
                .collect();
            for thread in threads {
                thread.join().unwrap();
            }
            assert_eq!(world.loads.load(Ordering::SeqCst), 1);
            assert_eq!(world.alive.load(Ordering::SeqCst), 1);
            assert!(matches!(world.slot.remove(), Removal::Taken(_)));
            assert_eq!(world.alive.load(Ordering::SeqCst), 0);
        },
        SCHEDULES,
    );
}

#[test]
fn unloading_never_happens_under_a_caller_and_leaves_nothing() {
    shuttle::check_random(
        || {
            let world = World::new();
            let mut threads = Vec::new();
            for caller in 0..3 {
                let world = Arc::clone(&world);
                // One keeps the value, one drops it at once, one fails if it has to load.
                threads.push(thread::spawn(move || world.use_once(caller == 2, caller == 1)));
            }
            let reaper = Arc::clone(&world);
            threads.push(thread::spawn(move || {
                reaper.drop_out(reaper.slot.take_if_idle(|_, _, _| true));
                reaper.slot.touch(1);
                if let Removal::Taken(model) = reaper.slot.remove() {
                    reaper.drop_out(Some(model));
                }
            }));
            for thread in threads {
                thread.join().unwrap();
            }
            // Whatever happened, the value is idle or dropped now.
            let (_, leases, idle) = world.slot.snapshot();
            assert_eq!(leases, 0);
            assert_eq!(idle.is_some(), world.alive.load(Ordering::SeqCst) == 1);
            if let Removal::Taken(model) = world.slot.remove() {
                drop(model);
            }
            assert_eq!(world.alive.load(Ordering::SeqCst), 0);
        },
        SCHEDULES,
    );
}

#[test]
fn a_value_removed_while_it_is_made_goes_when_it_is_free() {
    shuttle::check_random(
        || {
            let world = World::new();
            let other = Arc::clone(&world);
            let user = thread::spawn(move || other.use_once(false, false));
            let there_later = match world.slot.remove() {
                Removal::Taken(model) => {
                    world.drop_out(Some(model));
                    false
                }
                Removal::InUse(_) => false,
                // No caller had asked for it yet.
                Removal::Empty => true,
            };
            user.join().unwrap();
            assert_eq!(world.alive.load(Ordering::SeqCst), usize::from(there_later));
        },
        SCHEDULES,
    );
}
