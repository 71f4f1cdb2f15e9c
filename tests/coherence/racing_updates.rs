//! Changes of one entry that meet: the later one builds on what the earlier one left, however the clock goes.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::{BACKENDS, Configure, Random, WordModel, ends};
use rekall::model::{Error, Fingerprint};
use rekall::storage::WallClock;
use rekall::{Batch, Builder, Context, Embedder, EntryId, EntryPatch, Mode, NewEntry, Rekall};

/// Every entry is stamped with the same time.
#[derive(Debug)]
struct Stopped;

impl WallClock for Stopped {
    fn now_ms(&self) -> i64 {
        1_700_000_000_000
    }
}

type Meddle = Box<dyn FnOnce() + Send>;

/// The word model, which lets somebody write while it works.
struct Meddled {
    model: WordModel,
    meanwhile: Arc<Mutex<Vec<Meddle>>>,
}

impl Embedder for Meddled {
    fn fingerprint(&self) -> &Fingerprint {
        self.model.fingerprint()
    }
    fn dimensions(&self) -> usize {
        self.model.dimensions()
    }
    fn max_tokens(&self) -> Option<usize> {
        None
    }
    fn count_tokens(&self, text: &str) -> Result<usize, Error> {
        self.model.count_tokens(text)
    }
    fn embed_documents(&self, texts: &[&str]) -> Result<Vec<f32>, Error> {
        let next = self.meanwhile.lock().unwrap().pop();
        if let Some(meddle) = next {
            meddle();
        }
        self.model.embed_documents(texts)
    }
    fn embed_query(&self, text: &str) -> Result<Vec<f32>, Error> {
        self.model.embed_query(text)
    }
    fn memory_bytes(&self) -> usize {
        0
    }
}

fn builder(path: &Path, configure: Configure) -> Builder {
    configure(Rekall::builder(path).wall_clock(Stopped))
}

fn plain(path: &Path, configure: Configure) -> Rekall {
    builder(path, configure).embedder(Arc::new(WordModel::new(16))).open().unwrap()
}

fn unit(at: usize) -> Vec<f32> {
    (0..16).map(|n| f32::from(u8::from(n == at))).collect()
}

/// Roles that the entry has vectors in.
fn roles(rekall: &Rekall, id: EntryId) -> Vec<u8> {
    let tx = rekall.store().read().unwrap();
    let stored = tx.stored_vectors(tx.row_of(id).unwrap()).unwrap();
    stored.iter().map(|stored| stored.key.role).collect()
}

fn noted(title: &str) -> NewEntry {
    NewEntry::new(title).context(Context { solution: Some("purge the cache".into()), ..Context::default() })
}

/// A memory, whoever writes beside it, and what is done while the first one embeds.
struct Pair {
    memory: Rekall,
    other: Arc<Rekall>,
    meanwhile: Arc<Mutex<Vec<Meddle>>>,
    _folder: tempfile::TempDir,
}

fn pair(configure: Configure) -> Pair {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let meanwhile = Arc::<Mutex<Vec<Meddle>>>::default();
    let model = Meddled { model: WordModel::new(16), meanwhile: Arc::clone(&meanwhile) };
    let memory = builder(&path, configure).embedder(Arc::new(model)).open().unwrap();
    Pair { memory, other: Arc::new(plain(&path, configure)), meanwhile, _folder: folder }
}

#[test]
fn an_update_keeps_the_context_vector_when_a_given_vector_comes_between() {
    for &(name, configure) in BACKENDS {
        let Pair { memory, other, meanwhile, .. } = &pair(configure);
        let id = memory.remember(noted("disk full")).unwrap();
        assert_eq!(roles(memory, id), [0, 1]);
        let writer = Arc::clone(other);
        meanwhile.lock().unwrap().push(Box::new(move || {
            writer.update_with_vector(id, &EntryPatch::new(), &unit(0)).unwrap();
        }));
        memory.update(id, &EntryPatch::new().title("disk nearly full")).unwrap();
        assert!(meanwhile.lock().unwrap().is_empty());
        assert_eq!(roles(memory, id), [0, 1], "{name}");
        for rekall in [memory, other] {
            let found = rekall.recall("purge the cache").mode(Mode::Semantic).limit(1).run().unwrap();
            assert_eq!(found[0].entry.id, id);
            assert!(found[0].similarity.unwrap() > 0.999, "{name}: {:?}", found[0].similarity);
        }
    }
}

#[test]
fn two_updates_of_one_millisecond_do_not_mix() {
    for &(name, configure) in BACKENDS {
        let Pair { memory, other, meanwhile, .. } = &pair(configure);
        let id = memory.remember(noted("disk full")).unwrap();
        // There and back: the entry looks as it did, its vectors do not.
        let writer = Arc::clone(other);
        meanwhile.lock().unwrap().push(Box::new(move || {
            writer.update(id, &EntryPatch::new().title("something else")).unwrap();
            writer.update_with_vector(id, &EntryPatch::new().title("disk full"), &unit(3)).unwrap();
        }));
        memory.update(id, &EntryPatch::new().content("since monday")).unwrap();
        assert_eq!(roles(memory, id), [0, 1], "{name}");
        let found = memory.recall("disk full since monday").mode(Mode::Semantic).limit(1).run().unwrap();
        assert!(found[0].similarity.unwrap() > 0.999, "{name}: {:?}", found[0].similarity);
    }
}

#[test]
fn an_entry_that_waits_keeps_a_vector_that_was_given_meanwhile() {
    for &(name, configure) in BACKENDS {
        let Pair { memory, other, meanwhile, .. } = &pair(configure);
        memory.remember(NewEntry::new("another")).unwrap();
        let silent = builder(memory.path(), configure).without_model().open().unwrap();
        let id = silent.remember(NewEntry::new("disk full")).unwrap();
        let writer = Arc::clone(other);
        meanwhile.lock().unwrap().push(Box::new(move || {
            writer.update_with_vector(id, &EntryPatch::new(), &unit(5)).unwrap();
        }));
        memory.embed_pending().run().unwrap();
        let found = memory.recall_vector(unit(5)).limit(1).run().unwrap();
        assert_eq!(found[0].entry.id, id, "{name}");
        assert!(found[0].similarity.unwrap() > 0.999, "{name}: {:?}", found[0].similarity);
    }
}

/// A change of an entry that has nothing to do with its text puts its vectors off only until the next look.
#[test]
fn an_entry_that_changes_while_it_waits_gets_its_vectors_all_the_same() {
    for &(name, configure) in BACKENDS {
        let Pair { memory, other, meanwhile, .. } = &pair(configure);
        memory.remember(NewEntry::new("another")).unwrap();
        let silent = builder(memory.path(), configure).without_model().open().unwrap();
        let id = silent.remember(NewEntry::new("disk full")).unwrap();
        let writer = Arc::clone(other);
        meanwhile.lock().unwrap().push(Box::new(move || {
            writer.update(id, &EntryPatch::new().project(Some("home".to_owned()))).unwrap();
        }));
        memory.embed_pending().run().unwrap();
        assert_eq!(roles(memory, id), [0], "{name}");
    }
}

/// Another writer who changes the entry whenever somebody embeds: at some point it has to wait.
#[test]
fn whoever_changes_an_entry_without_end_is_made_to_wait() {
    let patch = || EntryPatch::new().title("disk nearly full");
    type Change<'a> = &'a dyn Fn(&Rekall, EntryId);
    let update: Change<'_> = &|memory, id| drop(memory.update(id, &patch()).unwrap());
    let apply: Change<'_> = &|memory, id| {
        let mut batch = Batch::new();
        batch.update(id, patch());
        memory.apply(&batch).run().unwrap();
    };
    for (name, change) in [("update", update), ("apply", apply)] {
        let Pair { memory, meanwhile, .. } = &pair(|builder| builder);
        let id = memory.remember(noted("disk full")).unwrap();
        let model = Arc::new(WordModel::new(16));
        let hasty = Rekall::builder(memory.path()).embedder(model).busy_timeout(Duration::from_millis(20));
        let hasty = Arc::new(hasty.open().unwrap());
        let outcomes: Arc<Mutex<Vec<bool>>> = Arc::default();
        for number in 0..100 {
            let (hasty, outcomes) = (Arc::clone(&hasty), Arc::clone(&outcomes));
            meanwhile.lock().unwrap().push(Box::new(move || {
                let changed = hasty.update(id, &EntryPatch::new().content(format!("content {number}")));
                outcomes.lock().unwrap().push(changed.is_ok());
            }));
        }
        change(memory, id);
        let outcomes = outcomes.lock().unwrap();
        assert_eq!(*outcomes, [[true; 8].as_slice(), &[false]].concat(), "{name}");
        let entry = memory.get(id).unwrap();
        assert_eq!((&*entry.title, &*entry.content), ("disk nearly full", "content 92"), "{name}");
        let found = memory.recall("disk nearly full content 92").mode(Mode::Semantic).limit(1).run().unwrap();
        assert!(found[0].similarity.unwrap() > 0.999, "{name}: {:?}", found[0].similarity);
    }
}

const SEED: u64 = 0x5eed_0002;

/// An update through the model and a given vector, at the same time, again and again. Whichever came last
/// decides: the given vector stands for the whole entry, an update makes what is missing.
fn race(path: &Path, configure: Configure, seed: u64) {
    let (one, two) = (plain(path, configure), plain(path, configure));
    let id = one.remember(noted("note")).unwrap();
    let mut random = Random(seed);
    for step in 0..100 {
        let spins = [random.below(20_000), random.below(20_000)];
        std::thread::scope(|scope| {
            scope.spawn(|| {
                (0..spins[0]).for_each(|_| std::hint::spin_loop());
                one.update(id, &EntryPatch::new().title(format!("title {step}"))).unwrap();
            });
            scope.spawn(|| {
                (0..spins[1]).for_each(|_| std::hint::spin_loop());
                two.update_with_vector(id, &EntryPatch::new(), &unit(7)).unwrap();
            });
        });
        let found = one.recall_vector(unit(7)).limit(1).run().unwrap();
        let given_came_last = found[0].similarity.unwrap() > 0.999;
        let expected: &[u8] = if given_came_last { &[0] } else { &[0, 1] };
        assert_eq!(roles(&one, id), expected, "step {step}");
        // Both roles again.
        one.update(id, &EntryPatch::new().title(format!("between {step}"))).unwrap();
        assert_eq!(roles(&one, id), [0, 1], "step {step}");
    }
    assert!(one.check().run().unwrap().is_clean());
}

#[test]
fn updates_that_meet_lose_no_vector() {
    println!("seed {SEED:#x}");
    for (number, &(name, configure)) in BACKENDS.iter().enumerate() {
        println!("{name}");
        ends(name, move || {
            let folder = tempfile::tempdir().unwrap();
            race(&folder.path().join("a.db"), configure, SEED + 100 * number as u64);
        });
    }
}
