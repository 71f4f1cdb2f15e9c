//! Entries in sets: forgotten together, listed the newest first, remembered or changed by key; ids and times of the host's.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::common::{Memory, Random, WordModel, memory, memory_with};
use rekall::storage::{Error as CoreError, WallClock};
use rekall::{
    Batch, Comparison, EntryId, EntryPatch, Error, ErrorKind, Filter, Mode, NewEntry, NewestBy, Rekall, Role,
    Status,
};

struct Hands(Arc<AtomicI64>);

impl WallClock for Hands {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

fn with_clock() -> (Memory, Arc<AtomicI64>) {
    let time = Arc::new(AtomicI64::new(1_000));
    let hands = Hands(Arc::clone(&time));
    (memory_with(|builder| builder.embedder(Arc::new(WordModel::new(16))).wall_clock(hands)), time)
}

const OWN: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

fn own_id() -> EntryId {
    OWN.parse().unwrap()
}

#[test]
fn an_entry_has_the_id_and_the_time_that_the_host_gives_it() {
    let (memory, _) = with_clock();
    let note = NewEntry::new("old note").id(own_id()).created_at(-5);
    let ids = memory.remember_many(&[note.clone(), NewEntry::new("made now")]).run().unwrap();
    assert_eq!(ids[0], own_id());
    let old = memory.get(own_id()).unwrap();
    assert_eq!((old.created_at, old.updated_at), (-5, -5));
    assert_eq!(memory.get(ids[1]).unwrap().created_at, 1_000);
    // The model saw it like any other.
    let found = memory.recall("old note").mode(Mode::Semantic).limit(1).run().unwrap();
    assert_eq!(found[0].entry.id, own_id());

    let twice = memory.remember_many(&[NewEntry::new("beside it"), note]).run().unwrap_err();
    assert!(matches!(twice, Error::Core(CoreError::DuplicateId { id }) if id == own_id()), "{twice}");
    assert_eq!(twice.kind(), ErrorKind::InvalidInput);
    assert_eq!(memory.count(Filter::new()).unwrap(), 2, "all or nothing");
    let impossible = memory.remember(NewEntry::new("t").created_at(i64::MAX)).unwrap_err();
    assert!(impossible.to_string().contains("created_at must be"), "{impossible}");
}

#[test]
fn a_batch_takes_an_id_once() {
    let memory = memory();
    let other = memory.new_id().unwrap();
    let mut batch = Batch::new();
    batch.remember(own_id(), NewEntry::new("one").id(own_id()));
    memory.apply(&batch).run().unwrap();
    let mut batch = Batch::new();
    batch.remember(other, NewEntry::new("two").id("01ARZ3NDEKTSV4RRFFQ69G5FAA".parse().unwrap()));
    let refused = memory.apply(&batch).run().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{refused}");
    assert_eq!(memory.count(Filter::new()).unwrap(), 1);
}

#[test]
fn several_are_forgotten_together_and_what_was_not_there_is_left_out() {
    let memory = memory();
    let ids: Vec<EntryId> =
        ["one", "two", "three"].iter().map(|title| memory.remember(NewEntry::new(*title)).unwrap()).collect();
    memory.link(ids[0], ids[2], "related", None).unwrap();
    let forgotten = memory.forget_many(&[ids[1], own_id(), ids[0], ids[1]]).unwrap();
    assert_eq!(forgotten, [ids[1], ids[0]]);
    assert_eq!(memory.list(Filter::new(), None, 10).unwrap().len(), 1);
    assert!(memory.links(ids[2]).unwrap().is_empty());
    assert!(memory.recall("one two").run().unwrap().iter().all(|hit| hit.entry.id == ids[2]));
    assert!(memory.forget_many(&[]).unwrap().is_empty());
}

#[test]
fn a_filter_forgets_what_it_lets_pass_and_nothing_without_a_condition() {
    let memory = memory();
    let notes: Vec<NewEntry> = (0..30).map(|n| NewEntry::new(format!("note{n}")).metadata("n", n)).collect();
    let ids = memory.remember_many(&notes).run().unwrap();
    memory.update(ids[29], &EntryPatch::new().status(Status::Obsolete)).unwrap();
    for unconditional in [Filter::new(), Filter::new().any_status(), Filter::new().not_ids([])] {
        let refused = memory.forget_matching(&unconditional).unwrap_err();
        assert!(matches!(refused, Error::Core(CoreError::Unconditional)), "{refused}");
    }
    assert_eq!(memory.count(Filter::new().any_status()).unwrap(), 30);
    assert!(memory.forget_matching(&Filter::new().ids([])).unwrap().is_empty());
    let large = Filter::new().metadata_where("n", Comparison::AtLeast, 20);
    assert_eq!(memory.forget_matching(&large).unwrap(), ids[20..29]);
    assert_eq!(memory.forget_matching(&Filter::new().status(Status::Obsolete)).unwrap(), [ids[29]]);
    assert_eq!(memory.forget_all().unwrap(), ids[..20]);
    assert_eq!(memory.stats().unwrap().store.entries, 0);
}

#[test]
fn metadata_that_cannot_be_read_are_no_reason_to_forget() {
    let memory = memory();
    let ids =
        ["kept", "damaged"].map(|title| memory.remember(NewEntry::new(title).metadata("n", 1)).unwrap());
    let other = rusqlite::Connection::open(memory.path()).unwrap();
    other.execute_batch("PRAGMA ignore_check_constraints = ON").unwrap();
    other.execute("UPDATE entry SET metadata = '{' WHERE ulid = ?1", [ids[1].to_string()]).unwrap();
    let refused = memory.forget_matching(&Filter::new().metadata("n", 2)).unwrap_err();
    assert!(
        matches!(&refused, Error::Core(CoreError::UnreadableEntry { id, .. }) if *id == ids[1]),
        "{refused}"
    );
    let refused = memory.upsert("n", NewEntry::new("t").metadata("n", 3)).unwrap_err();
    assert!(matches!(refused, Error::Core(CoreError::UnreadableEntry { .. })), "{refused}");
    // By its id it goes, and a walk by time names it.
    let page = memory.list_newest(&Filter::new(), NewestBy::Created, None, 10).unwrap();
    assert_eq!((page.entries.len(), page.unreadable), (1, vec![ids[1]]));
    assert_eq!(memory.forget_many(&[ids[1]]).unwrap(), [ids[1]]);
    assert!(memory.upsert("n", NewEntry::new("t").metadata("n", 3)).unwrap().is_new);
}

/// All pages of a walk, of `size` entries each; `meddle` is called after each page.
fn walk(memory: &Rekall, by: NewestBy, size: usize, mut meddle: impl FnMut()) -> Vec<EntryId> {
    let (mut after, mut walked) = (None, Vec::new());
    loop {
        let page = memory.list_newest(&Filter::new(), by, after, size).unwrap();
        let Some(next) = page.next else { return walked };
        assert!(page.entries.len() <= size);
        walked.extend(page.entries.iter().map(|entry| entry.id));
        after = Some(next);
        meddle();
    }
}

#[test]
fn the_newest_come_first_in_pages_of_any_size() {
    const SEED: u64 = 7;
    println!("seed {SEED}");
    let (memory, time) = with_clock();
    let mut random = Random(SEED);
    let mut ids = Vec::new();
    for n in 0..60 {
        // Few times for many entries, so that pages end within one.
        let note = NewEntry::new(format!("note{n}")).created_at(random.below(8) as i64);
        ids.push(memory.remember(note).unwrap());
    }
    for &id in &ids {
        if random.below(2) == 0 {
            time.store(random.below(8) as i64 + 8, Ordering::Relaxed);
            memory.update(id, &EntryPatch::new().kind("changed")).unwrap();
        }
    }
    for by in [NewestBy::Created, NewestBy::Updated] {
        let mut expected: Vec<(i64, usize)> = (0..ids.len())
            .map(|n| {
                let entry = memory.get(ids[n]).unwrap();
                (if by == NewestBy::Created { entry.created_at } else { entry.updated_at }, n)
            })
            .collect();
        expected.sort_by_key(|&key| std::cmp::Reverse(key));
        let expected: Vec<EntryId> = expected.into_iter().map(|(_, n)| ids[n]).collect();
        for size in [1, 7, 59, 60, 61] {
            assert_eq!(walk(&memory, by, size, || {}), expected, "{by:?}, {size}");
        }
    }
    assert!(memory.list_newest(&Filter::new(), NewestBy::Created, None, 0).is_err());
}

#[test]
fn pages_stay_where_they_are_while_others_write() {
    let (memory, time) = with_clock();
    let mut ids = Vec::new();
    for n in 0..20 {
        time.store(1_000 + n, Ordering::Relaxed);
        ids.push(memory.remember(NewEntry::new(format!("note{n}"))).unwrap());
    }
    ids.reverse();
    let mut rounds = 0;
    let walked = walk(&memory, NewestBy::Created, 3, || {
        rounds += 1;
        time.store(2_000 + rounds, Ordering::Relaxed);
        memory.remember(NewEntry::new(format!("meanwhile{rounds}"))).unwrap();
        // The entry at the page's end goes: the next page begins at its place all the same.
        if rounds == 1 {
            memory.forget(ids[2]).unwrap();
        }
        time.store(3_000 + rounds, Ordering::Relaxed);
        memory.update(ids[19], &EntryPatch::new().kind("changed")).unwrap();
    });
    assert_eq!(walked, ids, "none twice, none missed");
    // By the time of the last change, the one that was changed is first.
    assert_eq!(walk(&memory, NewestBy::Updated, 5, || {})[0], ids[19]);
}

fn same_direction(one: &[f32], other: &[f32]) -> bool {
    one.len() == other.len() && one.iter().zip(other).map(|(one, other)| one * other).sum::<f32>() > 0.999_999
}

fn keyed(text: &str) -> NewEntry {
    NewEntry::new("Notes").content(text).metadata("path", "today.md")
}

#[test]
fn the_entry_of_a_key_is_changed_and_keeps_what_is_its_own() {
    let (memory, time) = with_clock();
    let first = memory.upsert("path", keyed("buy milk").project("home").tags(["a"]).id(own_id())).unwrap();
    assert!(first.is_new);
    assert_eq!(first.id, own_id());
    let other = memory.remember(keyed("other").metadata("path", "other.md")).unwrap();
    memory.link(own_id(), other, "related", None).unwrap();
    memory.update(own_id(), &EntryPatch::new().status(Status::Obsolete)).unwrap();
    time.store(9_000, Ordering::Relaxed);
    let second = memory.upsert("path", keyed("buy bread").kind("list").created_at(5)).unwrap();
    assert!(!second.is_new);
    assert_eq!(second.id, own_id());
    let now = memory.get(own_id()).unwrap();
    assert_eq!(
        (now.content.as_str(), now.kind.as_str(), now.project, now.tags),
        ("buy bread", "list", None, vec![])
    );
    assert_eq!((now.created_at, now.updated_at, now.status), (1_000, 9_000, Status::Obsolete));
    assert_eq!(memory.links(own_id()).unwrap().len(), 1);
    // Meaning finds what it says now.
    let vector = memory.stored_vector(own_id(), Role::Summary, 0).unwrap();
    let said = memory.embed("Notes\nbuy bread", rekall::Purpose::Document).unwrap();
    assert!(same_direction(&vector, &said));
    // Numbers are one key however they are spelt.
    let number = |n: serde_json::Value| NewEntry::new("n").metadata("n", n);
    let one = memory.upsert("n", number(1.into())).unwrap();
    assert_eq!(memory.upsert("n", number(1.0.into())).unwrap().id, one.id);
    assert!(memory.upsert("n", number("1".into())).unwrap().is_new);
}

#[test]
fn a_key_that_is_missing_or_not_one_entrys_alone_is_refused() {
    let memory = memory();
    for note in
        [NewEntry::new("t"), keyed("t").metadata("path", true), NewEntry::new("t").metadata("path", ())]
    {
        let refused = memory.upsert("path", note).unwrap_err();
        assert!(matches!(refused, Error::UpsertKey { .. }), "{refused}");
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    }
    assert!(memory.upsert("path", keyed("t").created_at(i64::MIN)).is_err());
    for _ in 0..2 {
        memory.remember(keyed("t")).unwrap();
    }
    let refused = memory.upsert("path", keyed("t")).unwrap_err();
    assert!(matches!(refused, Error::AmbiguousKey { entries: 2, .. }), "{refused}");
    assert_eq!(memory.count(Filter::new()).unwrap(), 2);
}

#[test]
fn a_key_stays_one_entrys_alone_when_threads_meet() {
    const THREADS: usize = 6;
    const ROUNDS: usize = 20;
    let memory = memory();
    let handles: Vec<Rekall> =
        (0..THREADS).map(|_| crate::common::open(memory.path(), |builder| builder)).collect();
    let new: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = handles
            .iter()
            .enumerate()
            .map(|(thread, handle)| {
                scope.spawn(move || {
                    (0..ROUNDS)
                        .filter(|round| {
                            let note =
                                NewEntry::new("k").content(format!("{thread}")).metadata("k", *round as u64);
                            handle.upsert("k", note).unwrap().is_new
                        })
                        .count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(new, ROUNDS, "each key was new once");
    assert_eq!(memory.count(Filter::new()).unwrap(), ROUNDS as u64);
    assert_eq!(memory.stats().unwrap().store.pending, 0);
}

/// The other process of the test below: this program again, told what to do by its environment.
#[test]
fn a_process_that_upserts_when_it_is_told_to() {
    let Ok(path) = std::env::var("REKALL_TEST_UPSERT") else { return };
    let rekall = crate::common::open(Path::new(&path), |builder| builder);
    let new = (0..20_u64)
        .filter(|&n| rekall.upsert("k", NewEntry::new("k").metadata("k", n)).unwrap().is_new)
        .count();
    println!("new: {new};");
}

#[test]
fn a_key_stays_one_entrys_alone_when_processes_meet() {
    let memory = memory();
    let program = std::env::current_exe().unwrap();
    let children: Vec<_> = (0..3)
        .map(|_| {
            Command::new(&program)
                .args(["--exact", "entry_sets::a_process_that_upserts_when_it_is_told_to", "--nocapture"])
                .env("REKALL_TEST_UPSERT", memory.path())
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut new = 0;
    for child in children {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
        let number = said.split("new: ").nth(1).and_then(|rest| rest.split(';').next());
        new += number.and_then(|number| number.parse::<usize>().ok()).unwrap();
    }
    assert_eq!(new, 20, "each key was new once");
    assert_eq!(memory.count(Filter::new()).unwrap(), 20);
}

#[test]
fn the_spaces_and_the_vectors_in_them_can_be_read() {
    let memory = memory();
    assert!(memory.spaces().unwrap().is_empty());
    let id = memory.remember(NewEntry::new("one two")).unwrap();
    let spaces = memory.spaces().unwrap();
    assert_eq!((spaces.len(), spaces[0].dimensions), (1, 16));
    let (stored, made) = (
        memory.stored_vector(id, Role::Summary, 0).unwrap(),
        memory.embed("one two", rekall::Purpose::Document).unwrap(),
    );
    assert!(same_direction(&stored, &made));
    for missing in [memory.stored_vector(id, Role::Context, 0), memory.stored_vector(id, Role::Summary, 1)] {
        assert!(matches!(missing, Err(Error::NotEmbedded { .. })), "{missing:?}");
    }
    let unknown = memory.stored_vector(own_id(), Role::Summary, 0).unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
}
