//! With `secure_delete`, what is forgotten is no longer in the file nor its log, byte by byte.

use std::path::Path;

use rekall_core::{Context, Draft, EntryId, EntryPatch, NewEntry, SqliteStore, Store, StoreOptions};

use crate::upkeep_common::*;

pub(crate) const DIMENSIONS: usize = 384;

/// A word without a beginning in common with others, so that an index cannot shorten it away.
pub(crate) fn secret(number: u64, which: u64) -> String {
    let mut random = Random(number * 1_000 + which);
    (0..14).map(|_| char::from(b'a' + random.below(26) as u8)).collect()
}

fn secrets(number: u64) -> Vec<String> {
    (0..12).map(|which| secret(number, which)).collect()
}

pub(crate) fn secret_note(number: u64) -> NewEntry {
    let words = secrets(number);
    // Some longer than a page, some short.
    let content = match number % 5 {
        0 => format!("{} {} {}", words[3], "padding ".repeat(2_000), words[4]),
        _ => format!("{} {} {}", words[3], "padding ".repeat((number % 50) as usize), words[4]),
    };
    NewEntry::new(format!("{} {}", words[0], words[1]))
        .content(content)
        .tags([words[2].clone(), words[5].clone()])
        .metadata("secret", words[6].clone())
        .context(Context { situation: Some(words[7].clone()), ..Context::default() })
}

pub(crate) fn options(secure_delete: bool) -> StoreOptions {
    let mut options = StoreOptions::default();
    options.secure_delete = secure_delete;
    options
}

/// The bytes of the file and what lies beside it.
pub(crate) fn bytes_of(path: &Path) -> Vec<u8> {
    let mut bytes = std::fs::read(path).unwrap();
    for companion in ["-wal", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(companion);
        bytes.extend(std::fs::read(name).unwrap_or_default());
    }
    bytes
}

/// Every four bytes that stand at some place, so that thousands of needles cost one pass.
pub(crate) struct Haystack {
    bytes: Vec<u8>,
    places: std::collections::HashMap<[u8; 4], Vec<u32>>,
}

impl Haystack {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let mut places: std::collections::HashMap<[u8; 4], Vec<u32>> = std::collections::HashMap::new();
        for (place, four) in bytes.windows(4).enumerate() {
            if four != [0; 4] {
                places.entry(four.try_into().unwrap()).or_default().push(place as u32);
            }
        }
        Self { bytes, places }
    }

    pub(crate) fn holds(&self, needle: &[u8]) -> bool {
        let start: [u8; 4] = needle[..4].try_into().unwrap();
        let places = self.places.get(&start);
        places.is_some_and(|places| places.iter().any(|&at| self.bytes[at as usize..].starts_with(needle)))
    }

    /// What of a note is still there. Of words the end counts, because an index may keep their beginning elsewhere.
    fn traces(&self, number: u64) -> Vec<String> {
        let mut traces: Vec<String> = secrets(number);
        traces.retain(|word| self.holds(&word.as_bytes()[4..]));
        let vector: Vec<u8> =
            vector_of(number, DIMENSIONS).iter().flat_map(|value| value.to_le_bytes()).collect();
        for at in [0, 512, 1_024, 1_500] {
            if self.holds(&vector[at..at + 16]) {
                traces.push(format!("vector at {at}"));
            }
        }
        traces
    }
}

fn write(store: &SqliteStore, notes: &[(EntryId, u64)]) {
    let mut tx = store.write().unwrap();
    let space = tx.ensure_active_space("secret/1", DIMENSIONS).unwrap();
    for &(id, number) in notes {
        let (entry, values) = (secret_note(number), vector_of(number, DIMENSIONS));
        let vectors = [new_vector(&space, number, &values)];
        tx.insert(&[Draft::new(&entry).vectors(&vectors).id(id)]).unwrap();
    }
    tx.commit().unwrap();
}

fn rewrite(store: &SqliteStore, id: EntryId, number: u64) {
    let mut tx = store.write().unwrap();
    let space = tx.ensure_active_space("secret/1", DIMENSIONS).unwrap();
    let note = secret_note(number);
    let patch = EntryPatch::new().title(note.title).content(note.content).tags(note.tags);
    let (row, _) = tx.update(id, &patch.context(note.context).metadata(note.metadata)).unwrap();
    let values = vector_of(number, DIMENSIONS);
    tx.set_vectors(row, space.id, &[], &[new_vector(&space, number, &values)]).unwrap();
    tx.commit().unwrap();
}

/// In the files of seeds 2 and 6 SQLite moves rows that are forgotten later, and leaves copies behind.
#[test]
fn forgotten_texts_words_and_vectors_leave_the_file_at_once() {
    let given = std::env::var("REKALL_SEED").ok().and_then(|seed| seed.parse().ok());
    for seed in given.map_or(vec![2, 6, 7], |seed: u64| vec![seed]) {
        forget(seed);
    }
}

fn forget(seed: u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = SqliteStore::open(&path, &options(true)).unwrap();
    let mut random = Random(seed);
    let mut living: Vec<(EntryId, u64)> = Vec::new();
    let mut forgotten: Vec<u64> = Vec::new();
    let mut next = 1;
    for round in 0..40 {
        let batch: Vec<_> = (0..=random.below(12)).map(|n| (id(next + n), next + n)).collect();
        next += batch.len() as u64;
        write(&store, &batch);
        living.extend(&batch);
        for _ in 0..random.below(4) {
            let at = random.below(living.len() as u64) as usize;
            forgotten.push(living[at].1);
            living[at].1 = next;
            rewrite(&store, living[at].0, next);
            next += 1;
        }
        for _ in 0..random.below(6).min(living.len() as u64) {
            let (id, number) = living.swap_remove(random.below(living.len() as u64) as usize);
            let mut tx = store.write().unwrap();
            tx.delete(id).unwrap();
            tx.commit().unwrap();
            forgotten.push(number);
        }
        if round % 10 == 9 {
            let haystack = Haystack::new(bytes_of(&path));
            for &number in &forgotten {
                assert_eq!(
                    haystack.traces(number),
                    [""; 0],
                    "of note {number} in round {round}, seed {seed}"
                );
            }
            // The test can find what is there.
            let there = haystack.traces(living[0].1);
            assert!(there.len() > 8, "{there:?}");
        }
    }
    assert!(forgotten.len() > 100);
    assert_clean(&store);
}

/// What was forgotten before the option was on, or by a program without it, stays until the file is compacted.
#[test]
fn compaction_erases_what_was_forgotten_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let plain = SqliteStore::open(&path, &options(false)).unwrap();
    let notes: Vec<_> = (1..=60).map(|number| (id(number), number)).collect();
    write(&plain, &notes);
    for number in 1..=50 {
        let mut tx = plain.write().unwrap();
        tx.delete(id(number)).unwrap();
        tx.commit().unwrap();
    }
    drop(plain);
    let traces = |haystack: &Haystack| (1..=50).filter(|&number| !haystack.traces(number).is_empty()).count();
    let before = traces(&Haystack::new(bytes_of(&path)));
    assert!(before > 0, "without the option traces are to be expected: the test looks in the wrong place");
    let store = SqliteStore::open(&path, &options(true)).unwrap();
    store.compact().unwrap();
    assert_eq!(traces(&Haystack::new(bytes_of(&path))), 0);
    assert_clean(&store);
    assert_eq!(store.read().unwrap().count_entries().unwrap(), 10);
}

/// A reader that looks at an older state keeps that state in the log; the next commit after it empties it.
#[test]
fn a_slow_reader_only_delays_forgetting() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = SqliteStore::open(&path, &options(true)).unwrap();
    write(&store, &[(id(1), 1), (id(2), 2), (id(3), 3)]);
    let reader = store.read().unwrap();
    assert_eq!(reader.count_entries().unwrap(), 3);
    let mut tx = store.write().unwrap();
    tx.delete(id(1)).unwrap();
    tx.commit().unwrap();
    assert_eq!(reader.count_entries().unwrap(), 3, "its view does not change");
    let reason = store.unerased().expect("the reader is in the way");
    assert!(reason.contains("reader"), "{reason}");
    drop(reader);
    let mut tx = store.write().unwrap();
    tx.delete(id(2)).unwrap();
    tx.commit().unwrap();
    assert_eq!(store.unerased(), None);
    let haystack = Haystack::new(bytes_of(&path));
    assert_eq!((haystack.traces(1), haystack.traces(2)), (vec![], vec![]));
    assert!(!haystack.traces(3).is_empty());
}

/// Codes of an index tell of the vectors that they were made from.
#[test]
fn a_replaced_vector_takes_its_codes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    for secure in [false, true] {
        let store = SqliteStore::open(folder.path().join(format!("{secure}.db")), &options(secure)).unwrap();
        write(&store, &[(id(1), 1)]);
        let blocks = |store: &SqliteStore| -> i64 {
            let tx = store.read().unwrap();
            sqlite(&*tx).query_row("SELECT count(*) FROM index_block", [], |row| row.get(0)).unwrap()
        };
        let tx = store.write().unwrap();
        let space = tx.active_space().unwrap().unwrap();
        let sql = "INSERT INTO index_block (space_id, kind, number, seq, data) SELECT id, 'test', 0, 0, x'00' FROM space";
        sqlite(&*tx).execute(sql, []).unwrap();
        tx.commit().unwrap();
        assert_eq!(blocks(&store), 1);
        let mut tx = store.write().unwrap();
        let (row, _) = tx.update(id(1), &EntryPatch::new()).unwrap();
        let values = vector_of(2, DIMENSIONS);
        tx.set_vectors(row, space.id, &[], &[new_vector(&space, 2, &values)]).unwrap();
        tx.commit().unwrap();
        assert_eq!(blocks(&store), i64::from(!secure), "secure_delete: {secure}");
    }
}

#[test]
fn a_compaction_says_when_a_reader_was_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    for secure in [false, true] {
        let mut options = options(secure);
        options.busy_timeout = std::time::Duration::from_millis(1);
        let store = SqliteStore::open(folder.path().join(format!("{secure}.db")), &options).unwrap();
        write(&store, &[(id(1), 1), (id(2), 2)]);
        let reader = store.read().unwrap();
        assert_eq!(reader.count_entries().unwrap(), 2);
        let mut tx = store.write().unwrap();
        tx.delete(id(1)).unwrap();
        tx.commit().unwrap();
        assert!(!store.compact().unwrap().complete, "secure_delete: {secure}");
        drop(reader);
        assert!(store.compact().unwrap().complete, "secure_delete: {secure}");
    }
}

/// A foreign program may let SQLite keep a map of the pages among them: its pages look like those of a tree.
#[test]
fn erasing_leaves_the_pointer_map_of_a_foreign_auto_vacuum_alone() {
    for mode in ["FULL", "INCREMENTAL"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let store = SqliteStore::open(&path, &options(false)).unwrap();
        let notes: Vec<_> = (1..=6_000).map(|number| (id(number), number)).collect();
        let mut tx = store.write().unwrap();
        // A vector a page.
        let space = tx.ensure_active_space("secret/1", 1_024).unwrap();
        for &(id, number) in &notes {
            let (entry, values) = (NewEntry::new(format!("{number}")), vector_of(number, 1_024));
            let vectors = [new_vector(&space, number, &values)];
            tx.insert(&[Draft::new(&entry).vectors(&vectors).id(id)]).unwrap();
        }
        tx.commit().unwrap();
        drop(store);
        let foreign = rusqlite::Connection::open(&path).unwrap();
        foreign.execute_batch(&format!("PRAGMA auto_vacuum = {mode}; VACUUM;")).unwrap();
        let pages: i64 = foreign.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        assert!(pages > 2 * 1_641, "{pages} pages hold one page of the map only");
        drop(foreign);

        let store = SqliteStore::open(&path, &options(true)).unwrap();
        for numbers in [1..3_000, 3_500..3_540, 5_900..6_001] {
            let mut tx = store.write().unwrap();
            for number in numbers {
                tx.delete(id(number)).unwrap();
            }
            tx.commit().unwrap();
            assert_eq!(store.unerased(), None, "{mode}");
            assert_clean(&store);
        }
        drop(store);
        // SQLite's own check does not look at what the map says of free pages.
        let unknown = free_pages_unknown_to_the_map(&std::fs::read(&path).unwrap());
        assert_eq!(unknown, Vec::<usize>::new(), "{mode}");
        let store = SqliteStore::open(&path, &options(true)).unwrap();
        assert!(store.compact().unwrap().complete);
        assert_clean(&store);
    }
}

/// Free pages that the pointer map does not call free: <https://sqlite.org/fileformat.html#the_freelist>.
fn free_pages_unknown_to_the_map(file: &[u8]) -> Vec<usize> {
    let size = 8_192;
    let number = |page: usize, at: usize| {
        let at = (page - 1) * size + at;
        u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize
    };
    let (mut free, mut trunk) = (Vec::new(), number(1, 32));
    while trunk != 0 {
        free.push(trunk);
        free.extend((0..number(trunk, 4)).map(|leaf| number(trunk, 8 + 4 * leaf)));
        trunk = number(trunk, 0);
    }
    let run = size / 5 + 1;
    let sort_of = |page: usize| {
        let map = (page - 2) / run * run + 2;
        file[(map - 1) * size + (page - map - 1) * 5]
    };
    free.retain(|&page| sort_of(page) != 2);
    free.sort_unstable();
    free
}
