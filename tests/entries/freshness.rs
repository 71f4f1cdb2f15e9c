//! A write is seen by the next search: from this handle, another one, another program, many threads.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use crate::common::engine::on_every_engine;
use crate::common::{Engine, WordModel};
use rekall::{Event, Mode, NewEntry, Rekall};

on_every_engine!(
    a_second_handle_sees_every_write_at_once,
    catching_up_costs_what_changed_not_what_is_there,
    eight_threads_remember_and_recall_at_once,
    what_another_program_writes_is_seen_by_the_next_search,
    reading_takes_no_write_lock_and_changes_nothing,
);

fn a_second_handle_sees_every_write_at_once(engine: Engine) {
    let memory = engine.memory();
    let other = memory.again(|builder| builder.embedder(Arc::new(WordModel::new(16))));
    for n in 0..50 {
        let text = format!("note number{n}");
        let id = memory.remember(NewEntry::new(&text)).unwrap();
        let found = other.recall(&text).mode(Mode::Semantic).limit(1).run().unwrap();
        assert_eq!(found[0].entry.id, id);
        if n % 3 == 0 {
            memory.forget(id).unwrap();
            let found = other.recall(&text).mode(Mode::Semantic).limit(100).run().unwrap();
            assert!(found.iter().all(|hit| hit.entry.id != id));
        }
    }
}

fn catching_up_costs_what_changed_not_what_is_there(engine: Engine) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&events);
    let memory = engine.memory_with(|builder| {
        builder
            .embedder(Arc::new(WordModel::new(16)))
            .on_event(move |event| heard.lock().unwrap().push(event.clone()))
    });
    let notes: Vec<NewEntry> = (0..500).map(|n| NewEntry::new(format!("note {n}"))).collect();
    memory.remember_many(&notes).run().unwrap();
    for n in 0..20 {
        memory.remember(NewEntry::new(format!("later {n}"))).unwrap();
        memory.recall("later").mode(Mode::Semantic).run().unwrap();
    }
    let loads = events.lock().unwrap().iter().filter(|e| matches!(e, Event::IndexLoaded { .. })).count();
    assert_eq!(loads, 1, "the index is filled once and then follows the change log");
}

fn eight_threads_remember_and_recall_at_once(engine: Engine) {
    let memory = engine.memory();
    let rekall: &Rekall = &memory;
    let all: Mutex<HashSet<_>> = Mutex::default();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let all = &all;
            scope.spawn(move || {
                for n in 0..40 {
                    let text = format!("thread{thread} note{n}");
                    let id = rekall.remember(NewEntry::new(&text)).unwrap();
                    assert!(all.lock().unwrap().insert(id));
                    let found = rekall.recall(&text).mode(Mode::Semantic).limit(3).run().unwrap();
                    // Its own write is seen, and ids and scores belong together.
                    assert_eq!(
                        found[0].entry.title,
                        text,
                        "{:?}",
                        found.iter().map(|h| (&h.entry.title, h.similarity, h.entry.id)).collect::<Vec<_>>()
                    );
                    assert_eq!(found[0].entry.id, id);
                    assert!((found[0].similarity.unwrap() - 1.0).abs() < 1e-6);
                    for hit in &found {
                        let again = rekall.get(hit.entry.id).unwrap();
                        assert_eq!(again.title, hit.entry.title);
                    }
                }
            });
        }
    });
    assert_eq!(memory.stats().unwrap().store.entries, 320);
    let found = memory.recall("thread0").mode(Mode::Semantic).limit(1000).run().unwrap();
    let found: HashSet<_> = found.iter().map(|hit| hit.entry.id).collect();
    assert_eq!(found, *all.lock().unwrap());
}

fn what_another_program_writes_is_seen_by_the_next_search(engine: Engine) {
    let memory = engine.memory();
    let ids: Vec<_> = ["disk full", "login token", "slow build"]
        .map(|title| memory.remember(NewEntry::new(title)).unwrap())
        .into();
    let nearest = |text: &str| {
        let found = memory.recall(text).mode(Mode::Semantic).run().unwrap();
        found.iter().map(|hit| hit.entry.id).collect::<Vec<_>>()
    };
    assert_eq!(nearest("login token").len(), 3);
    memory.foreign_sql(&format!("DELETE FROM entry WHERE ulid = '{}'", ids[1]));
    assert!(!nearest("login token").contains(&ids[1]));
    memory.foreign_sql("UPDATE entry SET status = 'obsolete' WHERE title = 'slow build'");
    assert_eq!(nearest("slow build"), [ids[0]]);
}

fn reading_takes_no_write_lock_and_changes_nothing(engine: Engine) {
    let memory = engine.memory();
    let id = memory.remember(NewEntry::new("disk full")).unwrap();
    let other = memory.again(rekall::Builder::without_model);
    let writer = other.store().write().unwrap();
    let state = || {
        // Another memory on the server changes its data version, too.
        let version = engine.is_file().then(|| memory.store().data_version().unwrap());
        (version, memory.store().read().unwrap().position().unwrap())
    };
    let before = state();
    memory.get(id).unwrap();
    for mode in [Mode::Semantic, Mode::Text, Mode::Hybrid] {
        assert_eq!(memory.recall("disk").mode(mode).run().unwrap().len(), 1);
    }
    memory.similar_to(id).threshold(-1.0).run().unwrap();
    memory.stats().unwrap();
    assert_eq!(state(), before);
    drop(writer);
}
