//! Changing the model: nothing is lost, searches go on, one switch.

use std::sync::Arc;

use crate::common::engine::on_every_engine;
use crate::common::{Engine, WordModel, memory};
use rekall::storage::SpaceState;
use rekall::{CancelToken, Degraded, EntryPatch, ErrorKind, Mode, NewEntry, Progress};

on_every_engine!(
    all_entries_are_found_with_the_new_model_and_the_old_space_is_gone,
    a_stopped_run_is_resumed_and_searches_use_the_old_space_meanwhile,
    a_run_stopped_at_its_last_entries_does_not_switch,
    what_was_remembered_without_a_model_is_embedded_later,
    a_foreign_program_that_rewrites_a_text_makes_it_pending,
);

fn other() -> Arc<WordModel> {
    Arc::new(WordModel::named("other words", 24))
}

fn notes(count: usize) -> Vec<NewEntry> {
    (0..count).map(|n| NewEntry::new(format!("note number{n}"))).collect()
}

fn all_entries_are_found_with_the_new_model_and_the_old_space_is_gone(engine: Engine) {
    let memory = engine.memory();
    let ids = memory.remember_many(&notes(300)).run().unwrap();
    let mut heard = Vec::new();
    let mut hear = |progress: Progress| heard.push(progress.done);
    let done = memory.reembed_with_embedder(other()).progress(&mut hear).run().unwrap();
    assert_eq!((done.entries, done.vectors, done.without_meaning), (300, 300, 0));
    assert!(heard.is_sorted() && heard.last() == Some(&300));
    for n in [0, 150, 299] {
        let found = memory.recall(format!("note number{n}")).mode(Mode::Semantic).limit(1).run().unwrap();
        assert_eq!(found[0].entry.id, ids[n]);
    }
    let spaces = memory.store().read().unwrap().spaces().unwrap();
    assert_eq!(spaces.len(), 1);
    assert_eq!((spaces[0].dimensions, spaces[0].state), (24, SpaceState::Active));
    assert_eq!(memory.stats().unwrap().store.vectors, 300);
    // A memory opened with the old model is told.
    let old = memory.again(|builder| builder.embedder(Arc::new(WordModel::new(16))));
    let error = old.recall("note").mode(Mode::Semantic).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ModelMismatch);
}

fn a_stopped_run_is_resumed_and_searches_use_the_old_space_meanwhile(engine: Engine) {
    let memory = engine.memory();
    memory.remember_many(&notes(500)).run().unwrap();
    let token = CancelToken::new();
    let mut stop = |progress: Progress| {
        if progress.done >= 200 {
            token.cancel();
        }
    };
    let error = memory.reembed_with_embedder(other()).progress(&mut stop).cancel(&token).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    let found = memory.recall("note number7").mode(Mode::Semantic).limit(1).run().unwrap();
    assert_eq!(found[0].entry.title, "note number7");

    // Written while the new space is half full: one entry comes, one changes, one goes.
    let late = memory.remember(NewEntry::new("a late arrival")).unwrap();
    let first = memory.recall("note number0").mode(Mode::Semantic).limit(1).run().unwrap()[0].entry.id;
    memory.update(first, &EntryPatch::new().title("rewritten entirely")).unwrap();
    let second = memory.recall("note number1").mode(Mode::Semantic).limit(1).run().unwrap()[0].entry.id;
    memory.forget(second).unwrap();

    let done = memory.reembed_with_embedder(other()).run().unwrap();
    assert!(done.entries < 400, "what was made before is not made again: {done:?}");
    for (query, id) in [("a late arrival", late), ("rewritten entirely", first)] {
        let found = memory.recall(query).mode(Mode::Semantic).limit(1).run().unwrap();
        assert_eq!(found[0].entry.id, id);
        assert!((found[0].similarity.unwrap() - 1.0).abs() < 1e-6, "{query}");
    }
    assert_eq!(memory.recall("note").mode(Mode::Semantic).limit(1000).run().unwrap().len(), 500);
    memory.assert_sound();
}

fn a_run_stopped_at_its_last_entries_does_not_switch(engine: Engine) {
    let memory = engine.memory();
    memory.remember_many(&notes(3)).run().unwrap();
    let token = CancelToken::new();
    let stopped = memory.reembed_with_embedder(other()).progress(|_| token.cancel()).cancel(&token).run();
    assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!(memory.recall("note number1").mode(Mode::Semantic).run().unwrap().len(), 3);
    assert_eq!(memory.reembed_with_embedder(other()).run().unwrap().entries, 0, "all was there");
}

fn what_was_remembered_without_a_model_is_embedded_later(engine: Engine) {
    let memory = engine.memory_with(rekall::Builder::without_model);
    let id = memory.remember(NewEntry::new("disk full")).unwrap();
    assert_eq!(memory.stats().unwrap().store.pending, 1);
    let with_model = memory.again(|builder| builder.embedder(Arc::new(WordModel::new(16))));
    assert!(
        with_model
            .recall("disk")
            .run()
            .unwrap()
            .degraded
            .contains(&Degraded::Pending { count: 1, reason: None })
    );
    // Another program adds one more, without marking it.
    memory.foreign_sql(
        "INSERT INTO entry (ulid, title, created_at, updated_at)
         VALUES ('01ARZ3NDEKTSV4RRFFQ69G5FAV', 'login token', 0, 0)",
    );
    let done = with_model.embed_pending().run().unwrap();
    assert_eq!(done.entries, 2);
    assert_eq!(with_model.stats().unwrap().store.pending, 0);
    let found = with_model.recall("disk full").mode(Mode::Semantic).limit(1).run().unwrap();
    assert_eq!(found[0].entry.id, id);
    let found = with_model.recall("login token").mode(Mode::Semantic).limit(1).run().unwrap();
    assert_eq!(found[0].entry.title, "login token");
}

fn a_foreign_program_that_rewrites_a_text_makes_it_pending(engine: Engine) {
    let memory = engine.memory();
    let id = memory.remember(NewEntry::new("disk full")).unwrap();
    memory.recall("warm").run().unwrap();
    memory.foreign_sql("UPDATE entry SET title = 'login token'");
    assert_eq!(memory.recall("token").mode(Mode::Text).run().unwrap()[0].entry.id, id);
    assert!(
        memory
            .recall("token")
            .run()
            .unwrap()
            .degraded
            .contains(&Degraded::Pending { count: 1, reason: None })
    );
    memory.embed_pending().run().unwrap();
    let found = memory.recall("login token").mode(Mode::Semantic).run().unwrap();
    assert!((found[0].similarity.unwrap() - 1.0).abs() < 1e-6);
    assert!(found.degraded.is_empty());
    let zeroes = if engine.is_file() { "zeroblob(64)" } else { "decode(repeat('00', 64), 'hex')" };
    memory.foreign_sql(&format!("UPDATE embedding SET vector = {zeroes}"));
    let found = memory.recall("login token").run().unwrap();
    assert!(found.degraded.contains(&Degraded::UnusableVectors { count: 1 }));
    if engine.is_file() {
        assert_eq!(memory.repair().run().unwrap().quarantined, 1);
    }
    memory.foreign_sql("DELETE FROM entry");
    assert!(memory.recall("login token").run().unwrap().is_empty());
}

#[test]
fn imported_notes_wait_for_vectors_of_this_files_model() {
    let memory = memory();
    memory.remember(NewEntry::new("disk full")).unwrap();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/rekall-core/tests/data/python-rekall/v7.db");
    let report = memory.import_legacy(file).run().unwrap();
    assert_eq!((report.entries, report.pending), (123, 123));
    let found = memory.recall("disk").run().unwrap();
    assert!(found.degraded.contains(&Degraded::Pending { count: 123, reason: None }));
    let done = memory.embed_pending().run().unwrap();
    assert_eq!(done.entries, 123);
    let found = memory.recall("disk").mode(Mode::Semantic).limit(200).run().unwrap();
    assert_eq!(found.len(), 119, "all but the five obsolete ones");
    assert!(found.degraded.is_empty());
    assert!(memory.check().run().unwrap().is_clean());
}
