//! Four processes with two threads each on one file: no write is lost, and what one has been told is done,
//! every other sees in its next read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod upkeep_common;

use std::collections::HashSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use rekall_core::{
    Changes, EntryId, EntryPatch, Error, Filter, LogPosition, NewEntry, SqliteStore, Store, StoreOptions,
    TextQuery,
};
use upkeep_common::*;

const FOLDER: &str = "REKALL_PROCESSES_FOLDER";
const WRITER: &str = "REKALL_PROCESSES_WRITER";

const PROCESSES: u64 = 4;
const WRITES: u64 = 1_500;
/// Reads of each process; with the writes 20,000 operations in all.
const READS: u64 = 3_500;

/// Where writers say how far they are: eight bytes each, written after the commit returned.
struct Board(File);

impl Board {
    fn open(folder: &Path) -> Self {
        let mut options = File::options();
        Self(options.read(true).write(true).create(true).truncate(false).open(folder.join("board")).unwrap())
    }

    fn post(&self, writer: u64, done: u64) {
        self.0.write_all_at(&done.to_le_bytes(), writer * 8).unwrap();
    }

    fn look(&self, writer: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.read_exact_at(&mut bytes, writer * 8).map_or(0, |()| u64::from_le_bytes(bytes))
    }
}

/// Note `step` of a writer; step 0 is its counter.
fn note_id(writer: u64, step: u64) -> EntryId {
    id((writer + 1) * 1_000_000 + step)
}

/// Notes are deleted again this many steps later, the counter and the others stay.
const LIFE: u64 = 100;

fn lives(step: u64, done: u64) -> bool {
    !step.is_multiple_of(3) || step == 0 || done < step + LIFE
}

/// Runs in a child only.
#[test]
fn child_reads_and_writes() {
    let (Ok(folder), Ok(writer)) = (std::env::var(FOLDER), std::env::var(WRITER)) else { return };
    let writer: u64 = writer.parse().unwrap();
    let folder = Path::new(&folder);
    let mut options = StoreOptions::default();
    options.busy_timeout = Duration::from_secs(5);
    let store = SqliteStore::open(folder.join("a.db"), &options).unwrap();
    let board = Board::open(folder);
    let busy = std::thread::scope(|scope| {
        let writes = scope.spawn(|| write(&store, &board, writer));
        read(&store, &board, writer);
        writes.join().unwrap()
    });
    say(&format!("busy {busy}"));
}

fn write(store: &SqliteStore, board: &Board, writer: u64) -> u64 {
    let mut busy = 0;
    let mut step = 1;
    while step <= WRITES {
        match write_once(store, writer, step) {
            Ok(()) => {
                board.post(writer, step);
                step += 1;
            }
            Err(Error::Busy { .. }) => busy += 1,
            Err(error) => panic!("writer {writer}, step {step}: {error}"),
        }
    }
    busy
}

/// A note, the counter, and an old note's end, in one transaction.
fn write_once(store: &SqliteStore, writer: u64, step: u64) -> Result<(), Error> {
    let mut tx = store.write()?;
    let counter = note_id(writer, 0);
    if step == 1 {
        let entry = NewEntry::new("0").content(format!("counter{writer}q"));
        tx.insert(&[rekall_core::Draft::new(&entry).id(counter)])?;
    }
    insert(&mut *tx, &[(note_id(writer, step), (writer + 1) * 1_000_000 + step)])?;
    tx.update(counter, &EntryPatch::new().title(step.to_string()))?;
    if step > LIFE && !lives(step - LIFE, step) {
        tx.delete(note_id(writer, step - LIFE))?;
    }
    tx.commit()
}

fn read(store: &SqliteStore, board: &Board, reader: u64) {
    let mut random = Random(reader);
    let mut mirror = Mirror::default();
    let mut version = store.data_version().unwrap();
    let mut told: [u64; PROCESSES as usize] = std::array::from_fn(|writer| board.look(writer as u64));
    for turn in 0..READS {
        let writer = random.below(PROCESSES);
        let done = board.look(writer);
        let now = store.data_version().unwrap();
        // A step is committed after the one before it was posted: two steps more on the board than when the
        // version was compared last, and one of them is newer than that version.
        if done >= told[writer as usize] + 2 {
            assert_ne!(version, now, "reader {reader}: a write by {writer} went unnoticed");
        }
        version = store.data_version().unwrap();
        told = std::array::from_fn(|writer| board.look(writer as u64));
        if done == 0 {
            continue;
        }
        let tx = store.read().unwrap();
        let counter: u64 = tx.get(note_id(writer, 0)).unwrap().title.parse().unwrap();
        assert!(counter >= done, "reader {reader}: writer {writer} said {done}, the file says {counter}");
        for step in [counter, counter.saturating_sub(random.below(2 * LIFE)).max(1)] {
            let number = (writer + 1) * 1_000_000 + step;
            match tx.get(note_id(writer, step)) {
                Ok(entry) => assert!(lives(step, counter) && says(&entry, number), "{number} at {counter}"),
                Err(Error::EntryNotFound { .. }) => assert!(!lives(step, counter), "{number} at {counter}"),
                Err(error) => panic!("reader {reader}, turn {turn}: {error}"),
            }
            let found = tx.search_words(&TextQuery::new(&word(number)), &Filter::new(), 5).unwrap();
            assert_eq!(found.len(), usize::from(lives(step, counter)), "{number} by its word at {counter}");
        }
        if turn % 8 == 0 {
            mirror.catch_up(&*tx);
            for other in 0..PROCESSES {
                let counter: u64 = tx.get(note_id(other, 0)).map_or(0, |entry| entry.title.parse().unwrap());
                for step in (counter.saturating_sub(LIFE + 5)).max(1)..=counter {
                    let there = mirror.ids.contains(&note_id(other, step));
                    assert_eq!(
                        there,
                        lives(step, counter),
                        "step {step} of {other} at {counter}, by the log"
                    );
                }
            }
        }
    }
}

/// What an index does: knows entries, and learns of changes from the log alone.
#[derive(Default)]
struct Mirror {
    position: Option<LogPosition>,
    ids: HashSet<EntryId>,
    rows: std::collections::HashMap<i64, EntryId>,
}

impl Mirror {
    fn catch_up(&mut self, tx: &dyn rekall_core::ReadTx) {
        let begin = self.position.unwrap_or_else(|| tx.position_numbered(0).unwrap());
        match tx.changes_since(begin).unwrap() {
            Changes::Entries { position, entries, .. } => {
                self.position = Some(position);
                let living = tx.ids(&entries).unwrap();
                for row in entries {
                    if let Some(gone) = self.rows.remove(&row) {
                        self.ids.remove(&gone);
                    }
                    if let Some(&id) = living.get(&row) {
                        self.rows.insert(row, id);
                        self.ids.insert(id);
                    }
                }
            }
            Changes::Lost { .. } => panic!("the log is far from its limit"),
        }
    }
}

#[test]
fn processes_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    // The file itself is made by whoever is first.
    let mut children: Vec<_> = (0..PROCESSES)
        .map(|writer| {
            let writer = writer.to_string();
            let variables = [(FOLDER, folder.path().to_str().unwrap()), (WRITER, writer.as_str())];
            child("child_reads_and_writes", &variables).spawn().unwrap()
        })
        .collect();
    let mut busy = Vec::new();
    for child in &mut children {
        let said: Vec<String> = lines(child).collect();
        assert!(child.wait().unwrap().success(), "a child failed, see above");
        busy.extend(said);
    }
    let store = open(&path);
    assert_clean(&store);
    for writer in 0..PROCESSES {
        let counter = store.get(note_id(writer, 0)).unwrap();
        assert_eq!(counter.title, WRITES.to_string());
        for step in 1..=WRITES {
            let found = store.get(note_id(writer, step));
            match found {
                Ok(entry) => assert!(lives(step, WRITES) && says(&entry, (writer + 1) * 1_000_000 + step)),
                Err(Error::EntryNotFound { .. }) => assert!(!lives(step, WRITES)),
                Err(error) => panic!("{error}"),
            }
        }
    }
    println!("{} operations, {busy:?}", PROCESSES * (WRITES + READS));
}

#[test]
fn a_writer_gives_up_after_the_time_out_with_a_typed_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let holder = filled(&path, 3);
    let held = holder.write().unwrap();
    let mut options = StoreOptions::default();
    options.busy_timeout = Duration::from_millis(50);
    let other = SqliteStore::open(&path, &options).unwrap();
    assert!(matches!(other.write().map(drop), Err(Error::Busy { .. })));
    // Reading takes no lock.
    assert_eq!(other.read().unwrap().count_entries().unwrap(), 3);
    assert_clean(&other);
    drop(held);
    other.write().unwrap().commit().unwrap();
    assert_clean(&other);
}

/// POSIX takes every lock that a process has on a file when it closes any handle of it; without them another
/// program that closes the file last would remove the log in use, and with it what is written later.
#[test]
fn opening_a_file_twice_does_not_loosen_the_hold_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = filled(&path, 3);
    drop(open(&path));
    let mut options = StoreOptions::default();
    options.read_only = true;
    drop(SqliteStore::open(&path, &options).unwrap());
    let variables = [("REKALL_PROCESSES_OTHER", path.to_str().unwrap())];
    let mut other = child("child_opens_and_closes", &variables).spawn().unwrap();
    assert!(other.wait().unwrap().success());
    let mut tx = store.write().unwrap();
    insert(&mut *tx, &[(id(10), 10)]).unwrap();
    tx.commit().unwrap();
    // Another process sees it, now and after the end of this store.
    let mut other = child("child_opens_and_closes", &variables).spawn().unwrap();
    let said: Vec<String> = lines(&mut other).collect();
    assert!(other.wait().unwrap().success());
    assert_eq!(said, ["5"], "the log was taken away from under an open store");
    drop(store);
    assert_eq!(open(&path).read().unwrap().count_entries().unwrap(), 6);
}

/// Runs in a child only.
#[test]
fn child_opens_and_closes() {
    let Ok(path) = std::env::var("REKALL_PROCESSES_OTHER") else { return };
    let store = open(Path::new(&path));
    let count = store.read().unwrap().count_entries().unwrap();
    let mut tx = store.write().unwrap();
    insert(&mut *tx, &[(id(100 + count), 100 + count)]).unwrap();
    tx.commit().unwrap();
    say(&count.to_string());
}
