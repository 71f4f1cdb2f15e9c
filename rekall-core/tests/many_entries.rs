//! Entries that are written together leave the same file behind as entries that are written one after the other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rekall_core::testing::{BEGIN, open_scope};
use rekall_core::{
    Context, Draft, EntryId, Error, NewEntry, NewVector, Role, SpaceId, SpaceState, SqliteStore, Store,
    StoreOptions, TextDigest, WallClock,
};
use rusqlite::Connection;
use rusqlite::types::Value;

/// A clock that stands still.
struct Still;

impl WallClock for Still {
    fn now_ms(&self) -> i64 {
        BEGIN
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

fn id(number: u64) -> EntryId {
    format!("{number:026}").parse().unwrap()
}

fn store(path: &Path) -> SqliteStore {
    let mut options = StoreOptions::default();
    options.clock = Arc::new(Still);
    SqliteStore::open(path, &options).unwrap()
}

/// Tags, some of them twice, contexts and replaced entries.
fn entry(random: &mut Random, number: u64) -> NewEntry {
    const WORDS: [&str; 8] =
        ["disk", "full", "d\u{e9}p\u{f4}t", "serveur", "the", "C++", "\u{732b}", "e-mail"];
    let words = |random: &mut Random, most| -> String {
        let count = random.below(most);
        (0..count).map(|_| WORDS[random.below(8) as usize]).collect::<Vec<_>>().join(" ")
    };
    let mut entry = NewEntry::new(format!("note {number}")).content(words(random, 40));
    entry = entry.tags((0..random.below(4)).map(|_| WORDS[random.below(3) as usize]).collect::<Vec<_>>());
    if random.below(3) == 0 {
        entry.context = Some(Context { situation: Some(words(random, 9)), ..Context::default() });
    }
    entry
}

/// Where vectors of an entry belong to, with the numbers of their passages.
fn places(random: &mut Random, spaces: [SpaceId; 2]) -> Vec<(SpaceId, u16)> {
    (0..random.below(4) as u16).map(|chunk| (spaces[random.below(2) as usize], chunk)).collect()
}

/// Two spaces, some entries, and one that is gone.
fn prepare(memory: &dyn Store) -> [SpaceId; 2] {
    let mut tx = memory.write().unwrap();
    let spaces = [SpaceState::Active, SpaceState::Building]
        .map(|state| tx.add_space(state.name(), 2, state).unwrap().id);
    let entries: Vec<NewEntry> = (1..10).map(|number| entry(&mut Random(number), number)).collect();
    let drafts: Vec<Draft<'_>> =
        entries.iter().zip(1..).map(|(entry, at)| Draft::new(entry).id(id(at))).collect();
    tx.insert(&drafts).unwrap();
    tx.delete(id(9)).unwrap();
    tx.commit().unwrap();
    spaces
}

/// Marks that another program left for rows to come.
fn leave_marks(path: &Path, zero: i64, space: SpaceId) {
    let (row, space) = (zero + 60, zero + space.0);
    let sql = format!(
        "PRAGMA foreign_keys = OFF;
         INSERT INTO pending VALUES ({row});
         INSERT INTO word_pending VALUES ({row}, 7);
         INSERT INTO change (entry_id) VALUES ({row});
         INSERT INTO wordless VALUES ({row}, {space}), ({}, {space});",
        row + 1
    );
    Connection::open(path).unwrap().execute_batch(&sql).unwrap();
}

/// Writes in one transaction, so many at once.
fn write(memory: &dyn Store, spaces: [SpaceId; 2], seed: u64, first: u64, count: u64, at_once: usize) {
    let mut random = Random(seed);
    let values = [0.6, 0.8];
    let made: Vec<(NewEntry, Vec<NewVector<'_>>)> = (first..first + count)
        .map(|number| {
            let entry = entry(&mut random, number);
            let vector = |(space, chunk)| NewVector {
                space,
                role: Role::Summary,
                chunk,
                start: 0,
                end: 4,
                digest: TextDigest::of(&entry.title),
                values: &values,
            };
            let vectors = places(&mut random, spaces).into_iter().map(vector).collect();
            (entry, vectors)
        })
        .collect();
    let drafts: Vec<Draft<'_>> = made
        .iter()
        .zip(first..)
        .map(|((entry, vectors), number)| Draft::new(entry).id(id(number)).vectors(vectors))
        .collect();
    let mut tx = memory.write().unwrap();
    for drafts in drafts.chunks(at_once) {
        tx.insert(drafts).unwrap();
    }
    tx.commit().unwrap();
}

/// All rows of all tables, but for the random name of the file.
fn rows(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let mut tables = connection.prepare(sql).unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(
        tables.iter().any(|name| name == "change") && tables.iter().any(|name| name == "sqlite_sequence")
    );
    let mut rows = Vec::new();
    for table in &tables {
        let mut all = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = all.column_count();
        let found = all.query_map([], |row| {
            (0..columns).map(|at| row.get::<_, Value>(at)).collect::<Result<Vec<_>, _>>()
        });
        rows.extend(found.unwrap().map(|row| format!("{table} {:?}", row.unwrap())));
    }
    rows
}

/// A file, and a memory in it, which may be a scope's.
fn memory(path: PathBuf, scope: Option<&str>) -> (PathBuf, SqliteStore, Option<Arc<dyn Store>>) {
    let store = store(&path);
    let scoped = scope.map(|name| open_scope(&store, name));
    (path, store, scoped)
}

#[test]
fn a_large_batch_leaves_the_rows_that_small_ones_leave() {
    for scope in [None, Some("one")] {
        let folder = tempfile::tempdir().unwrap();
        let mut found = Vec::new();
        for (name, at_once) in [("small.db", 7), ("large.db", usize::MAX)] {
            let (path, store, scoped) = memory(folder.path().join(name), scope);
            let memory: &dyn Store = scoped.as_deref().unwrap_or(&store);
            let spaces = prepare(memory);
            leave_marks(&path, if scope.is_some() { -1 << 32 } else { 0 }, spaces[0]);
            let mut states = vec![rows(&path)];
            for (seed, first, count) in [(1, 100, 300), (2, 500, 200), (3, 1_000, 20), (4, 2_000, 600)] {
                write(memory, spaces, seed, first, count, at_once);
                states.push(rows(&path));
            }
            assert_eq!(store.check().unwrap().problems, [], "{name}");
            found.push(states);
        }
        for (small, large) in found[0].iter().zip(&found[1]) {
            assert!(small.len() > 20);
            let differ: Vec<_> = small.iter().zip(large).filter(|(small, large)| small != large).collect();
            assert_eq!((small.len(), differ), (large.len(), vec![]), "in a scope: {scope:?}");
        }
    }
}

#[test]
fn triggers_of_other_programs_see_each_entry_of_a_large_batch() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = store(&path);
    let sql = "CREATE TABLE seen (id INTEGER PRIMARY KEY, tags INTEGER);
        CREATE TRIGGER see AFTER INSERT ON tag BEGIN
            INSERT INTO seen (id, tags) VALUES (NEW.entry_id, 1) ON CONFLICT DO UPDATE SET tags = tags + 1;
        END;";
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let spaces = prepare(&store);
    write(&store, spaces, 5, 100, 400, usize::MAX);
    let sql = "SELECT (SELECT sum(tags) FROM seen), (SELECT count(*) FROM tag WHERE entry_id <> 9)";
    let (seen, tags): (i64, i64) =
        Connection::open(&path).unwrap().query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert!(tags > 200 && seen >= tags, "{seen} of {tags}");
}

#[test]
fn a_refused_large_batch_leaves_nothing_and_triggers_are_on_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = store(&path);
    let spaces = prepare(&store);
    let before = rows(&path);
    let entries: Vec<NewEntry> = (0..300).map(|number| entry(&mut Random(number), number)).collect();
    // The last one has the first one's id.
    let ids = (100..399).chain([100]).map(id);
    let drafts: Vec<Draft<'_>> =
        entries.iter().zip(ids).map(|(entry, id)| Draft::new(entry).id(id)).collect();
    let mut tx = store.write().unwrap();
    let refused = tx.insert(&drafts).unwrap_err();
    assert!(matches!(refused, Error::DuplicateId { id: refused } if refused == id(100)), "{refused}");
    // Who goes on all the same.
    tx.commit().unwrap();
    let without_counters = |rows: Vec<String>| -> Vec<String> {
        rows.into_iter().filter(|row| !row.starts_with("sqlite_sequence")).collect()
    };
    assert_eq!(without_counters(rows(&path)), without_counters(before));

    write(&store, spaces, 6, 3_000, 1, 1);
    assert_eq!(store.check().unwrap().problems, []);
}
