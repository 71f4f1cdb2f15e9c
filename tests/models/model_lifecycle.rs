//! The model is loaded late, never twice, and let go when idle.
#![cfg(feature = "bundled-model")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::common::memory_with;
use rekall::cache::{Clock, ManualClock};
use rekall::{Event, Mode, ModelState, NewEntry};

struct Shared(Arc<ManualClock>);

impl Clock for Shared {
    fn now(&self) -> Instant {
        self.0.now()
    }
}

#[test]
fn an_idle_model_goes_and_cached_queries_still_work() {
    let clock = Arc::new(ManualClock::new());
    let events = Arc::new(Mutex::new(Vec::new()));
    let (time, heard) = (Arc::clone(&clock), Arc::clone(&events));
    let memory = memory_with(move |builder| {
        builder
            .clock(Shared(time))
            .model_idle_timeout(Duration::from_secs(60))
            .cache_ttl(Duration::from_secs(3600))
            .on_event(move |event| heard.lock().unwrap().push(event.clone()))
    });
    assert_eq!(memory.model_state(), ModelState::Unloaded, "opening loads nothing");
    memory.remember(NewEntry::new("The disk is full")).unwrap();
    memory.recall("no space left").mode(Mode::Semantic).run().unwrap();
    assert_eq!(memory.model_state(), ModelState::Ready);
    clock.advance(Duration::from_secs(59));
    assert_eq!(memory.unload_if_idle(clock.now()), None);
    memory.touch_model();
    clock.advance(Duration::from_secs(59));
    assert_eq!(memory.unload_if_idle(clock.now()), None);
    let deadline = memory.next_deadline().unwrap();
    clock.advance(deadline.saturating_duration_since(clock.now()));
    assert!(memory.unload_if_idle(clock.now()).is_some());
    assert_eq!(memory.model_state(), ModelState::Unloaded);

    memory.recall("no space left").mode(Mode::Semantic).run().unwrap();
    assert_eq!(memory.model_state(), ModelState::Unloaded, "the query's vector was in the cache");
    memory.recall("another question").mode(Mode::Semantic).run().unwrap();
    assert_eq!(memory.model_state(), ModelState::Ready);
    let loads =
        events.lock().unwrap().iter().filter(|event| matches!(event, Event::ModelLoaded { .. })).count();
    assert_eq!(loads, 2);
}

#[test]
fn eight_threads_load_it_once() {
    let events = Arc::new(Mutex::new(0));
    let heard = Arc::clone(&events);
    let memory = memory_with(move |builder| {
        builder.on_event(move |event| {
            if matches!(event, Event::ModelLoading { .. }) {
                *heard.lock().unwrap() += 1;
            }
        })
    });
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let memory = &memory;
            scope.spawn(move || memory.remember(NewEntry::new(format!("note {thread}"))).unwrap());
        }
    });
    assert_eq!(*events.lock().unwrap(), 1);
}

#[test]
fn released_memory_is_used_again_when_needed() {
    let memory = memory_with(|builder| builder);
    memory.remember(NewEntry::new("The disk is full")).unwrap();
    for _ in 0..3 {
        assert_eq!(memory.recall("disk").run().unwrap().len(), 1);
        assert!(memory.stats().unwrap().memory.words > 0);
        memory.release_memory();
        assert_eq!(memory.model_state(), ModelState::Unloaded);
        let stats = memory.stats().unwrap();
        assert_eq!((stats.index_rows, stats.memory.words), (0, 0));
    }
}
