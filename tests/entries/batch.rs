//! Several operations in one transaction.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::common::{WordModel, memory_with};
use rekall::model::{Error as ModelError, Fingerprint};
use rekall::{
    Batch, CancelToken, Context, Embedder, Entry, EntryId, EntryPatch, Error, ErrorKind, Event, Filter,
    NewEntry, Rekall, Status,
};
use tempfile::tempdir;

fn open(path: &Path, embedder: impl Embedder + 'static) -> Rekall {
    Rekall::builder(path).embedder(Arc::new(embedder)).open().unwrap()
}

/// All that is stored of an entry: itself, its links, its vectors.
type Stored = (Entry, Vec<(EntryId, EntryId, String)>, Vec<f32>);

fn stored(memory: &Rekall) -> Vec<Stored> {
    let tx = memory.store().read().unwrap();
    let space = tx.active_space().unwrap();
    let entries = tx.list(&Filter::new().any_status(), None, 100_000).unwrap();
    let all = entries.into_iter().map(|entry| {
        let row = tx.row_of(entry.id).unwrap();
        let links = tx.links(entry.id).unwrap().into_iter();
        let links = links.map(|link| (link.source, link.target, link.relation.as_str().to_owned()));
        let vectors = space.as_ref().map(|space| tx.vectors_of(space, &[row]).unwrap().rows);
        (Entry { created_at: 0, updated_at: 0, ..entry }, links.collect(), vectors.unwrap_or_default())
    });
    all.collect()
}

fn is_sound(memory: &Rekall) -> bool {
    let report = memory.check().run().unwrap();
    report.problems.is_empty() && memory.stats().unwrap().store.pending == 0
}

/// A random operation on one of a few entries.
fn random_operation(
    memory: &Rekall,
    known: &mut Vec<EntryId>,
    random: &mut impl FnMut(usize) -> usize,
) -> Batch {
    const WORDS: [&str; 6] = ["disk", "nuit", "数据库", "lock", "café", "queue"];
    let mut batch = Batch::new();
    let text = format!("{} {}", WORDS[random(6)], WORDS[random(6)]);
    if known.len() < 3 || random(3) == 0 {
        let id = memory.new_id().unwrap();
        match random(4) {
            0 => batch.remember_with_vector(id, NewEntry::new(text), vec![1.0, random(9) as f32, 3.0, 4.0]),
            _ => batch.remember(id, NewEntry::new(text).tags([WORDS[random(6)]])),
        };
        known.push(id);
        return batch;
    }
    let (one, other) = (known[random(known.len())], known[random(known.len())]);
    match random(8) {
        0 => batch.update(one, EntryPatch::new().confidence(random(6) as u8)),
        1 | 2 => batch.update(one, EntryPatch::new().content(text)),
        3 => {
            let said = Context { solution: Some(text), ..Context::default() };
            batch.update(one, EntryPatch::new().context(Some(said)))
        }
        4 => batch.update_with_vector(one, EntryPatch::new(), vec![random(9) as f32, 1.0, 0.5, 0.0]),
        5 if one != other => batch.link(one, other, "related", Some("why")),
        6 if one != other => batch.unlink(one, other, "related"),
        7 => {
            known.retain(|id| *id != one);
            batch.forget(one)
        }
        _ => batch.update(one, EntryPatch::new().title(text).status(Status::Active)),
    };
    batch
}

#[test]
fn a_batch_does_what_its_operations_do_one_after_the_other() {
    let folder = tempdir().unwrap();
    let together = open(&folder.path().join("together.db"), WordModel::new(4));
    let single = open(&folder.path().join("single.db"), WordModel::new(4));
    let (mut known, mut done) = (Vec::new(), 0);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    eprintln!("seed {state:x}");
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % below
    };
    for round in 0..120 {
        let mut batch = Batch::new();
        for _ in 0..random(9) {
            let operation = random_operation(&together, &mut known, &mut random);
            single.apply(&operation).run().unwrap();
            batch.append(operation);
        }
        together.apply(&batch).run().unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert_eq!(stored(&together), stored(&single), "round {round}: {batch:?}");
        done += batch.len();
    }
    assert!(done > 300 && known.len() > 10, "{done}");
    assert!(is_sound(&together) && is_sound(&single));
}

#[test]
fn what_a_batch_stores_is_what_the_single_calls_store() {
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(4))));
    let alone = memory.remember(NewEntry::new("disk full").tags(["ops"])).unwrap();
    memory.update(alone, &EntryPatch::new().content("again")).unwrap();
    let (twin, other) = (memory.new_id().unwrap(), memory.new_id().unwrap());
    let mut batch = Batch::new();
    batch
        .remember(twin, NewEntry::new("disk full").tags(["ops"]))
        .update(twin, EntryPatch::new().content("passing"))
        .update(twin, EntryPatch::new().content("again"))
        .remember(other, NewEntry::new("other"))
        .link(other, twin, "related", Some("both"))
        .supersede_entry(alone, twin);
    memory.apply(&batch).run().unwrap();
    let all = stored(&memory);
    let of = |id: EntryId| all.iter().find(|(entry, ..)| entry.id == id).unwrap();
    assert_eq!(of(alone).2, of(twin).2);
    assert_eq!(of(twin).0.content, "again");
    assert_eq!((of(alone).0.status, of(alone).0.superseded_by), (Status::Obsolete, Some(twin)));
    assert_eq!(memory.links(twin).unwrap()[0].reason.as_deref(), Some("both"));
    assert!(is_sound(&memory));
    // Once more: the ids are taken now.
    let error = memory.apply(&batch).run().unwrap_err();
    assert!(
        matches!(error, Error::Operation { number: 0, .. }) && error.to_string().contains("already exists")
    );
    memory.apply(&Batch::new()).run().unwrap();
}

#[test]
fn all_of_it_or_nothing_and_the_one_that_failed_is_named() {
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(4))));
    let kept = memory.remember(NewEntry::new("kept")).unwrap();
    let nobody: EntryId = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
    let before = stored(&memory);
    type Add<'a> = dyn for<'b> Fn(&'b mut Batch) -> &'b mut Batch + 'a;
    let with = |add: &Add| {
        let mut batch = Batch::new();
        batch.remember(memory.new_id().unwrap(), NewEntry::new("new")).forget(kept);
        add(&mut batch);
        batch.update(kept, EntryPatch::new().title("never reached"));
        memory.apply(&batch).run().unwrap_err()
    };
    let fresh = memory.new_id().unwrap();
    let cases: [(ErrorKind, &Add); 9] = [
        (ErrorKind::NotFound, &|batch| batch.forget(nobody)),
        (ErrorKind::NotFound, &|batch| batch.update(nobody, EntryPatch::new().title("x"))),
        (ErrorKind::NotFound, &|batch| batch.link(nobody, kept, "related", None)),
        (ErrorKind::NotFound, &|batch| batch.supersede_entry(kept, nobody)),
        (ErrorKind::InvalidInput, &|batch| batch.remember(fresh, NewEntry::new(" "))),
        (ErrorKind::InvalidInput, &|batch| {
            batch.remember(fresh, NewEntry::new("a")).remember(fresh, NewEntry::new("b"))
        }),
        (ErrorKind::InvalidVector, &|batch| batch.remember_with_vector(fresh, NewEntry::new("a"), vec![1.0])),
        (ErrorKind::InvalidVector, &|batch| {
            batch.remember_with_vector(fresh, NewEntry::new("a"), vec![0.0; 4])
        }),
        (ErrorKind::NotFound, &|batch| batch.forget(kept)),
    ];
    for (at, (kind, add)) in cases.into_iter().enumerate() {
        let error = with(add);
        let Error::Operation { number, .. } = error else { panic!("case {at}: {error}") };
        assert_eq!((error.kind(), number), (kind, if at == 5 { 3 } else { 2 }), "case {at}: {error}");
        assert_eq!(stored(&memory), before, "case {at}");
    }
    let token = CancelToken::new();
    token.cancel();
    let mut batch = Batch::new();
    batch.forget(kept);
    assert!(matches!(memory.apply(&batch).cancel(&token).run(), Err(Error::Interrupted)));
    assert_eq!(stored(&memory), before);
}

/// A model that does something on the file while it embeds, as often as it is said.
struct Meddling {
    model: WordModel,
    left: AtomicUsize,
    meddle: Box<dyn Fn() + Send + Sync>,
}

impl Embedder for Meddling {
    fn fingerprint(&self) -> &Fingerprint {
        self.model.fingerprint()
    }
    fn dimensions(&self) -> usize {
        self.model.dimensions()
    }
    fn max_tokens(&self) -> Option<usize> {
        Embedder::max_tokens(&self.model)
    }
    fn count_tokens(&self, text: &str) -> Result<usize, ModelError> {
        self.model.count_tokens(text)
    }
    fn embed_documents(&self, texts: &[&str]) -> Result<Vec<f32>, ModelError> {
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            (self.meddle)();
        }
        self.model.embed_documents(texts)
    }
    fn embed_query(&self, text: &str) -> Result<Vec<f32>, ModelError> {
        self.model.embed_query(text)
    }
    fn memory_bytes(&self) -> usize {
        0
    }
}

#[test]
fn others_write_while_the_model_works_and_are_not_overwritten() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.db");
    // Whoever held the lock would be found out at once.
    let other = Rekall::builder(&path)
        .embedder(Arc::new(WordModel::new(4)))
        .busy_timeout(std::time::Duration::from_millis(1))
        .open()
        .unwrap();
    let other = Arc::new(other);
    let note = other.remember(NewEntry::new("disk full")).unwrap();
    let vectors: [&[f32]; 2] = [&[1.0, 0.0, 0.0, 0.0], &[0.0, 1.0, 0.0, 0.0]];
    let turns = Arc::new(AtomicUsize::new(0));
    let meddle = {
        let (other, turns) = (Arc::clone(&other), Arc::clone(&turns));
        move || match turns.fetch_add(1, Ordering::SeqCst) {
            0 => drop(other.update(note, &EntryPatch::new().tags(["ops"])).unwrap()),
            // The entry is as it was before, its vectors are not.
            turn => drop(other.update_with_vector(note, &EntryPatch::new(), vectors[turn % 2]).unwrap()),
        }
    };
    let meddled = Meddling { model: WordModel::new(4), left: AtomicUsize::new(3), meddle: Box::new(meddle) };
    let memory = open(&path, meddled);
    let fresh = memory.new_id().unwrap();
    let mut batch = Batch::new();
    batch
        .update(note, EntryPatch::new().content("again"))
        .remember(fresh, NewEntry::new("disk full").content("again").tags(["ops"]));
    memory.apply(&batch).run().unwrap();
    assert_eq!(turns.load(Ordering::SeqCst), 3, "foreseen anew after each of the meddlings");
    let entry = memory.get(note).unwrap();
    assert_eq!((entry.content.as_str(), entry.tags.as_slice()), ("again", &["ops".to_owned()][..]));
    let all = stored(&memory);
    assert_eq!(all[0].2, all[1].2, "the vectors are those of the text");
    assert!(is_sound(&memory));
}

#[test]
fn without_a_model_entries_are_stored_and_wait() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&events);
    let memory = memory_with(|builder| {
        builder.without_model().on_event(move |event| {
            if let Event::NotEmbedded { id, .. } = event {
                told.lock().unwrap().push(*id);
            }
        })
    });
    let (one, two) = (memory.new_id().unwrap(), memory.new_id().unwrap());
    let mut batch = Batch::new();
    batch.remember(one, NewEntry::new("one")).remember(two, NewEntry::new("two")).forget(one);
    memory.apply(&batch).run().unwrap();
    assert_eq!(*events.lock().unwrap(), [two], "the other one is gone");
    assert_eq!(memory.recall("two").run().unwrap()[0].entry.id, two);
    assert_eq!(memory.stats().unwrap().store.pending, 1);
}

#[test]
fn entries_without_a_known_word_wait_for_nothing() {
    let memory = memory_with(|builder| builder.embedder(Arc::new(Silent(WordModel::new(4)))));
    let (mute, said) = (memory.new_id().unwrap(), memory.new_id().unwrap());
    let mut batch = Batch::new();
    batch.remember(mute, NewEntry::new("mute")).remember(said, NewEntry::new("said"));
    let mut told = Vec::new();
    let mut hear = |progress: rekall::Progress| told.push((progress.done, progress.total));
    memory.apply(&batch).progress(&mut hear).run().unwrap();
    assert_eq!(told.last(), Some(&(2, 2)));
    let all = stored(&memory);
    assert!(all[0].2.is_empty() && !all[1].2.is_empty());
    assert!(is_sound(&memory));
}

/// A model that does not know the word "mute".
struct Silent(WordModel);

impl Embedder for Silent {
    fn fingerprint(&self) -> &Fingerprint {
        self.0.fingerprint()
    }
    fn dimensions(&self) -> usize {
        self.0.dimensions()
    }
    fn max_tokens(&self) -> Option<usize> {
        None
    }
    fn count_tokens(&self, text: &str) -> Result<usize, ModelError> {
        self.0.count_tokens(text)
    }
    fn embed_documents(&self, texts: &[&str]) -> Result<Vec<f32>, ModelError> {
        match texts.iter().position(|text| *text == "mute") {
            Some(index) => Err(ModelError::Unembeddable { index }),
            None => self.0.embed_documents(texts),
        }
    }
    fn embed_query(&self, text: &str) -> Result<Vec<f32>, ModelError> {
        self.0.embed_query(text)
    }
    fn memory_bytes(&self) -> usize {
        0
    }
}
