//! Changing the model while others write, search, change it as well, or stand in the way.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::common::{Memory, WordModel, memory, memory_with};
use rekall::model::{Error as ModelError, Fingerprint};
use rekall::storage::SpaceState;
use rekall::{
    CancelToken, Degraded, Embedder, EntryId, EntryPatch, ErrorKind, Event, Mode, NewEntry, Rekall,
};

/// A word model that does not know the word § and does something else first, each time it embeds documents.
struct Meddler {
    words: WordModel,
    calls: AtomicUsize,
    meddle: Box<dyn Fn(usize) + Send + Sync>,
}

impl Meddler {
    fn new(name: &str, meddle: impl Fn(usize) + Send + Sync + 'static) -> Arc<Self> {
        let words = WordModel::named(name, 24);
        Arc::new(Self { words, calls: AtomicUsize::new(0), meddle: Box::new(meddle) })
    }

    fn quiet(name: &str) -> Arc<Self> {
        Self::new(name, |_| ())
    }
}

impl Embedder for Meddler {
    fn fingerprint(&self) -> &Fingerprint {
        self.words.fingerprint()
    }
    fn dimensions(&self) -> usize {
        self.words.dimensions()
    }
    fn max_tokens(&self) -> Option<usize> {
        None
    }
    fn count_tokens(&self, text: &str) -> Result<usize, ModelError> {
        self.words.count_tokens(text)
    }
    fn embed_documents(&self, texts: &[&str]) -> Result<Vec<f32>, ModelError> {
        (self.meddle)(self.calls.fetch_add(1, Ordering::Relaxed));
        let known: Vec<String> = texts.iter().map(|text| text.replace('§', "")).collect();
        self.words.embed_documents(&known.iter().map(String::as_str).collect::<Vec<_>>())
    }
    fn embed_query(&self, text: &str) -> Result<Vec<f32>, ModelError> {
        self.words.embed_query(&text.replace('§', ""))
    }
    fn memory_bytes(&self) -> usize {
        0
    }
}

fn notes(count: usize) -> Vec<NewEntry> {
    (0..count).map(|n| NewEntry::new(format!("note number{n}"))).collect()
}

fn open(path: &Path, model: Arc<dyn Embedder>) -> Rekall {
    Rekall::builder(path).embedder(model).open().unwrap()
}

fn old(path: &Path) -> Rekall {
    open(path, Arc::new(WordModel::new(16)))
}

#[track_caller]
fn assert_found(memory: &Rekall, text: &str, id: EntryId) {
    let found = memory.recall(text).mode(Mode::Semantic).limit(1).run().unwrap();
    assert_eq!(found[0].entry.id, id, "{text}");
    assert!((found[0].similarity.unwrap() - 1.0).abs() < 1e-6, "{text}: {:?}", found[0].similarity);
}

#[track_caller]
fn assert_whole(memory: &Rekall) {
    let report = memory.check().run().unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
    let spaces = memory.store().read().unwrap().spaces().unwrap();
    assert_eq!(spaces.iter().map(|space| space.state).collect::<Vec<_>>(), [SpaceState::Active]);
    assert_eq!(memory.stats().unwrap().store.pending, 0);
}

fn raw(memory: &Memory, sql: &str) {
    rusqlite::Connection::open(memory.path()).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn vectors_that_cannot_be_dropped_are_no_error_of_the_change() {
    let memory = memory();
    let ids = memory.remember_many(&notes(10)).run().unwrap();
    raw(&memory, "CREATE TRIGGER held BEFORE DELETE ON embedding BEGIN SELECT RAISE(ABORT, 'held'); END");
    let done = memory.reembed_with_embedder(Meddler::quiet("other")).run().unwrap();
    assert_eq!(done.entries, 10);
    assert_found(&memory, "note number7", ids[7]);
    let later = memory.remember(NewEntry::new("a late arrival")).unwrap();
    assert_found(&memory, "a late arrival", later);
    let states = || {
        let spaces = memory.store().read().unwrap().spaces().unwrap();
        spaces.iter().map(|space| space.state).collect::<Vec<_>>()
    };
    assert_eq!(states(), [SpaceState::Leaving, SpaceState::Active]);
    assert!(memory.check().run().unwrap().is_clean());
    memory.embed_pending().run().unwrap();
    assert_eq!(states(), [SpaceState::Leaving, SpaceState::Active], "still held");
    raw(&memory, "DROP TRIGGER held");
    memory.embed_pending().run().unwrap();
    assert_whole(&memory);
    assert_eq!(memory.stats().unwrap().store.vectors, 11);
}

#[test]
fn searches_and_writes_go_on_through_the_change() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&events);
    let memory = memory_with(|builder| {
        builder
            .embedder(Arc::new(WordModel::new(16)))
            .on_event(move |event| heard.lock().unwrap().push(event.clone()))
    });
    let ids = memory.remember_many(&notes(3_000)).run().unwrap();
    let rekall: &Rekall = &memory;
    let changed = AtomicBool::new(false);
    let (searches, written) = std::thread::scope(|scope| {
        let searcher = scope.spawn(|| {
            let mut searches = 0;
            while !changed.load(Ordering::Relaxed) {
                assert_found(rekall, "note number77", ids[77]);
                let hybrid = rekall.recall("note number77").run().unwrap();
                let words_only = |reason: &Degraded| matches!(reason, Degraded::WordsOnly { .. });
                assert!(!hybrid.degraded.iter().any(words_only), "{:?}", hybrid.degraded);
                searches += 1;
            }
            searches
        });
        let writer = scope.spawn(|| {
            let mut written = Vec::new();
            while !changed.load(Ordering::Relaxed) {
                let text = format!("written meanwhile {}", written.len());
                written.push((rekall.remember(NewEntry::new(&text)).unwrap(), text));
                let middle = written.len() / 2;
                let (id, text) = &mut written[middle];
                text.push_str(" rewritten");
                rekall.update(*id, &EntryPatch::new().title(text.as_str())).unwrap();
            }
            written
        });
        let updater = scope.spawn(|| {
            let mut turn = 0_usize;
            while !changed.load(Ordering::Relaxed) {
                turn += 1;
                let text = format!("changed {turn} times");
                rekall.update(ids[0], &EntryPatch::new().title(text)).unwrap();
            }
        });
        for turn in 0..4 {
            memory.reembed_with_embedder(Meddler::quiet(&format!("model {turn}"))).run().unwrap();
        }
        changed.store(true, Ordering::Relaxed);
        updater.join().unwrap();
        (searcher.join().unwrap(), writer.join().unwrap())
    });
    assert!(searches > 0 && !written.is_empty());
    for (id, text) in &written {
        assert_found(&memory, text, *id);
    }
    let first = memory.get(ids[0]).unwrap();
    assert_found(&memory, &first.title, ids[0]);
    let unembedded = |event: &&Event| matches!(event, Event::NotEmbedded { .. });
    assert_eq!(events.lock().unwrap().iter().find(unembedded), None, "nothing had to wait");
    assert_whole(&memory);
}

/// Each call of the model is followed by another note: without an end there would never be nothing to do.
#[test]
fn who_writes_without_end_does_not_put_the_change_off() {
    const MOST: usize = 300;
    let memory = memory();
    memory.remember_many(&notes(200)).run().unwrap();
    let foreign = rusqlite::Connection::open(memory.path()).unwrap();
    foreign.busy_timeout(std::time::Duration::ZERO).unwrap();
    let foreign = Mutex::new(foreign);
    let written = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&written);
    let model = Meddler::new("other", move |call| {
        let sql = "INSERT INTO entry (ulid, title, created_at, updated_at) VALUES (?1, ?2, 0, 0)";
        let (ulid, title) = (format!("{call:026}"), format!("foreign note{call}"));
        // While the switch embeds what is missing, others wait; this one gives up.
        if call < MOST && foreign.lock().unwrap().execute(sql, (ulid, title)).is_ok() {
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    memory.reembed_with_embedder(model).run().unwrap();
    let written = written.load(Ordering::Relaxed);
    assert!((1..20).contains(&written), "{written} notes were written before the model was changed");
    memory.embed_pending().run().unwrap();
    assert_eq!(memory.recall("note").mode(Mode::Semantic).limit(1000).run().unwrap().len(), 200 + written);
    assert_whole(&memory);
}

#[test]
fn what_is_rewritten_meanwhile_is_not_taken_for_wordless() {
    let memory = memory();
    let mut all = notes(300);
    all[3] = NewEntry::new("§ §");
    all[4] = NewEntry::new("§");
    let ids = memory.remember_many(&all).run().unwrap();
    let (path, changed) = (memory.path().to_owned(), (ids[0], ids[3]));
    let model = Meddler::new("other", move |call| {
        let title = |text: &str| EntryPatch::new().title(text);
        match call {
            // In the batch of the wordless one, and read already.
            0 => drop(old(&path).update(changed.0, &title("rewritten entirely")).unwrap()),
            // Found wordless before.
            5 => drop(old(&path).update(changed.1, &title("now with words")).unwrap()),
            _ => {}
        }
    });
    let done = memory.reembed_with_embedder(Arc::clone(&model) as Arc<dyn Embedder>).run().unwrap();
    assert!(model.calls.load(Ordering::Relaxed) > 5, "the second change came in time");
    assert_eq!((done.entries, done.without_meaning), (299, 2));
    assert_found(&memory, "rewritten entirely", ids[0]);
    assert_found(&memory, "now with words", ids[3]);
    assert_whole(&memory);
    // Of the one that is left, everybody knows.
    assert_eq!(memory.embed_pending().run().unwrap(), rekall::EmbedReport::default());
    assert_eq!(memory.repair().run().unwrap().pending, 0);
    assert_whole(&memory);
}

#[test]
fn an_entry_without_known_words_waits_for_nothing() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&events);
    let memory = memory_with(|builder| {
        builder.embedder(Meddler::quiet("words")).on_event(move |event| {
            if let Event::NotEmbedded { id, .. } = event {
                heard.lock().unwrap().push(*id);
            }
        })
    });
    let told = || std::mem::take(&mut *events.lock().unwrap());
    let id = memory.remember(NewEntry::new("§")).unwrap();
    assert_eq!(told(), [id]);
    assert_whole(&memory);
    assert_eq!(memory.embed_pending().run().unwrap(), rekall::EmbedReport::default());
    assert_eq!(memory.repair().run().unwrap().pending, 0);
    assert_whole(&memory);
    assert!(memory.recall("anything").run().unwrap().degraded.is_empty());
    // It gets words, and loses them.
    memory.update(id, &EntryPatch::new().title("words")).unwrap();
    assert_eq!(told(), []);
    assert_found(&memory, "words", id);
    memory.update(id, &EntryPatch::new().title("§ § §")).unwrap();
    assert_eq!(told(), [id], "an update tells it, too");
    assert!(memory.recall("words").mode(Mode::Semantic).run().unwrap().is_empty());
    assert_whole(&memory);
    // Another program's entry waits, is tried once, and no longer waits.
    raw(
        &memory,
        "INSERT INTO entry (ulid, title, created_at, updated_at)
             VALUES ('01ARZ3NDEKTSV4RRFFQ69G5FAV', '§ elsewhere §', 0, 0), ('01ARZ3NDEKTSV4RRFFQ69G5FAW', '§', 0, 0)",
    );
    assert!(
        memory
            .recall("anything")
            .run()
            .unwrap()
            .degraded
            .contains(&Degraded::Pending { count: 2, reason: None })
    );
    let done = memory.embed_pending().run().unwrap();
    assert_eq!((done.entries, done.without_meaning), (1, 1));
    assert_whole(&memory);
    // Another model knows other words.
    let done = memory.reembed_with_embedder(Arc::new(WordModel::named("all words", 8))).run().unwrap();
    assert_eq!((done.entries, done.without_meaning), (3, 0));
    let found = memory.recall("§").mode(Mode::Semantic).limit(3).run().unwrap();
    assert!(found.hits.iter().any(|hit| hit.entry.id == id && hit.similarity > Some(0.99)), "{found:?}");
    assert_whole(&memory);
}

#[test]
fn an_update_that_outlives_a_change_of_model_is_no_vector_of_the_old_text() {
    let folder = memory();
    let id = folder.remember(NewEntry::new("before")).unwrap();
    folder.remember_many(&notes(5)).run().unwrap();
    let path = folder.path().to_owned();
    // The old vectors stay, so that writing more of them would succeed.
    raw(&folder, "CREATE TRIGGER held BEFORE DELETE ON space BEGIN SELECT RAISE(ABORT, 'held'); END");
    let elsewhere = path.clone();
    let first = Meddler::new("first", move |call| {
        if call == 1 {
            let other = open(&elsewhere, Meddler::quiet("first"));
            other.reembed_with_embedder(Meddler::quiet("second")).run().unwrap();
        }
    });
    folder.reembed_with_embedder(Meddler::quiet("first")).run().unwrap();
    let slow = open(&path, first);
    slow.remember(NewEntry::new("the first call")).unwrap();
    slow.update(id, &EntryPatch::new().title("behind")).unwrap();
    let second = open(&path, Meddler::quiet("second"));
    let found = second.recall("before").mode(Mode::Semantic).limit(1).run().unwrap();
    assert!(found.hits.iter().all(|hit| hit.entry.id != id), "{:?}", found.hits);
    assert_eq!(found.degraded, [Degraded::Pending { count: 1, reason: None }]);
    assert_eq!(second.embed_pending().run().unwrap().entries, 1);
    assert_found(&second, "behind", id);
    raw(&folder, "DROP TRIGGER held");
    second.compact().run().unwrap();
    assert_whole(&second);
}

/// Stops after the first batch.
fn begin(memory: &Rekall, model: Arc<dyn Embedder>) {
    let token = CancelToken::new();
    let stopped = memory.reembed_with_embedder(model).progress(|_| token.cancel()).cancel(&token).run();
    assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Interrupted);
}

#[test]
fn two_may_change_to_the_same_model_at_once() {
    let memory = memory();
    let ids = memory.remember_many(&notes(500)).run().unwrap();
    let path = memory.path().to_owned();
    let model = Meddler::new("other", move |call| match call {
        // The very batch that is being embedded here.
        0 => begin(&old(&path), Meddler::quiet("other")),
        // All the rest.
        4 => drop(old(&path).reembed_with_embedder(Meddler::quiet("other")).run().unwrap()),
        _ => {}
    });
    let done = memory.reembed_with_embedder(model).run().unwrap();
    assert!(done.entries < 300, "{done:?}");
    assert_found(&memory, "note number450", ids[450]);
    assert_eq!(memory.stats().unwrap().store.vectors, 500);
    assert_whole(&memory);
}

#[test]
fn of_changes_to_two_models_the_one_that_began_last_goes_on() {
    let memory = memory();
    let ids = memory.remember_many(&notes(500)).run().unwrap();
    let path = memory.path().to_owned();
    let model = Meddler::new("second", move |call| {
        if call == 2 {
            begin(&old(&path), Meddler::quiet("third"));
        }
    });
    let error = memory.reembed_with_embedder(model).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert_found(&memory, "note number7", ids[7]);
    let done = memory.reembed_with_embedder(Meddler::quiet("third")).run().unwrap();
    assert_eq!(done.entries, 500 - 128, "what was made is kept");
    assert_found(&memory, "note number7", ids[7]);
    // What was begun with the second one is gone with the old vectors.
    assert_whole(&memory);
}
