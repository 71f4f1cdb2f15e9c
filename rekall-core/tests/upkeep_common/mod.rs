//! What the upkeep tests share: notes that can be told from their number alone, and children to be killed.
#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rekall_core::{
    Context, Draft, Entry, EntryId, Error, Filter, JsonlExportOptions, NewEntry, NewVector, ReadTx, Role,
    Space, SqliteStore, Store, StoreOptions, TextDigest, TextQuery, WriteTx,
};

/// SQLite's connection of a transaction.
pub fn sqlite(tx: &dyn ReadTx) -> &rusqlite::Connection {
    tx.native().and_then(|native| native.downcast_ref()).expect("a file of SQLite's")
}

pub const DIMENSIONS: usize = 8;
pub const FINGERPRINT: &str = "test-model/1";

/// splitmix64 (<https://prng.di.unimi.it/splitmix64.c>): seeded, so that every failure can be replayed.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// An id that sorts by `number`.
pub fn id(number: u64) -> EntryId {
    format!("{number:026}").parse().unwrap()
}

/// A word that only the note of this number holds.
pub fn word(number: u64) -> String {
    format!("word{number}q")
}

pub fn note(number: u64) -> NewEntry {
    let mut content = format!("{} said in note {number}.", word(number));
    if number.is_multiple_of(7) {
        // Longer than a page.
        content.push_str(&" and on and on".repeat(800));
    }
    let mut note = NewEntry::new(format!("Note {number}"))
        .content(content)
        .kind(["note", "bug", "décision"][number as usize % 3])
        .tags([format!("tag{}", number % 5), "all".to_owned()])
        .confidence((number % 6) as u8)
        .metadata("number", number);
    if number.is_multiple_of(3) {
        note = note.project("shop").context(Context {
            situation: Some(format!("situation{number}q")),
            error_messages: vec!["E\n1".into(), "\"quoted\"".into()],
            ..Context::default()
        });
    }
    note
}

pub fn vector(number: u64) -> Vec<f32> {
    vector_of(number, DIMENSIONS)
}

pub fn vector_of(number: u64, dimensions: usize) -> Vec<f32> {
    let mut random = Random(number);
    let values: Vec<f64> =
        (0..dimensions).map(|_| random.below(2_000_001) as f64 / 1e6 - 1.0 + 1e-9).collect();
    let length = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    values.iter().map(|value| (value / length) as f32).collect()
}

pub fn new_vector<'a>(space: &Space, number: u64, values: &'a [f32]) -> NewVector<'a> {
    let text = word(number);
    NewVector {
        space: space.id,
        role: Role::Summary,
        chunk: 0,
        start: 0,
        end: text.len() as u32,
        digest: TextDigest::of(&text),
        values,
    }
}

pub fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, &StoreOptions::default()).unwrap()
}

/// Notes with their vectors, in one transaction.
pub fn insert(tx: &mut dyn WriteTx, notes: &[(EntryId, u64)]) -> Result<(), rekall_core::Error> {
    let space = tx.ensure_active_space(FINGERPRINT, DIMENSIONS)?;
    for &(id, number) in notes {
        let (note, values) = (note(number), vector(number));
        let vectors = [new_vector(&space, number, &values)];
        tx.insert(&[Draft::new(&note).vectors(&vectors).id(id)])?;
    }
    Ok(())
}

/// A store with notes 1 to `count`, each under the id of its number.
pub fn filled(path: &Path, count: u64) -> SqliteStore {
    let store = open(path);
    let mut tx = store.write().unwrap();
    let notes: Vec<_> = (1..=count).map(|number| (id(number), number)).collect();
    insert(&mut *tx, &notes).unwrap();
    tx.commit().unwrap();
    store
}

/// The same with their words in a segment of the index, which so few would not be moved into.
pub fn indexed(path: &Path, count: u64) -> SqliteStore {
    let store = filled(path, count);
    store.compact().unwrap();
    store
}

/// Whether an entry says what the note of this number says.
pub fn says(entry: &Entry, number: u64) -> bool {
    let note = note(number);
    entry.title == note.title
        && entry.content == note.content
        && entry.kind == note.kind
        && entry.project == note.project
        && entry.tags == note.tags
        && entry.confidence == note.confidence
        && entry.context == note.context
        && entry.metadata == note.metadata
}

/// All entries in the file's order.
pub fn entries(store: &SqliteStore) -> Vec<(i64, Entry)> {
    store.read().unwrap().entries_after(i64::MIN, usize::MAX).unwrap()
}

#[track_caller]
pub fn assert_clean(store: &SqliteStore) {
    let report = store.check().unwrap();
    assert!(report.is_clean(), "{report:#?}");
}

/// Exports to bytes.
pub fn export(store: &SqliteStore) -> Vec<u8> {
    let mut out = Vec::new();
    store.export_jsonl(&mut out, &JsonlExportOptions::default(), &mut |_, _| {}, None).unwrap();
    out
}

/// This test program once more, running only the test `name`, which finds out by the variable that it is a child.
pub fn child(name: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture", "--test-threads=1"]);
    command.envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// The lines that a child says with [`say`].
pub fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let out = BufReader::new(child.stdout.take().unwrap());
    out.lines().map_while(Result::ok).filter_map(|line| line.strip_prefix("> ").map(str::to_owned))
}

/// One line to the parent, at once and whole.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // The test runner may have left its line unfinished.
    let _ = out.write_all(format!("\n> {line}\n").as_bytes()).and_then(|()| out.flush());
}

/// Entries of a [`sound`] file.
pub const ENTRIES: u64 = 60;

/// The bytes of a sound, closed file, whose words are in a segment, and its entries.
pub fn sound(folder: &Path) -> (Vec<u8>, BTreeMap<i64, Entry>) {
    let path = folder.join("sound.db");
    let store = indexed(&path, ENTRIES);
    let all = entries(&store).into_iter().collect();
    drop(store);
    (std::fs::read(&path).unwrap(), all)
}

pub fn read_only() -> StoreOptions {
    let mut options = StoreOptions::default();
    options.read_only = true;
    options
}

/// Reads everything there is to read. An error is fine if it says what it is.
pub fn read_all(store: &SqliteStore) -> Result<BTreeMap<i64, Entry>, Error> {
    let tx = store.read()?;
    let mut found = BTreeMap::new();
    for row in 1..=ENTRIES as i64 {
        for (row, entry) in tx.entries(&[row])? {
            tx.links(entry.id)?;
            tx.stored_vectors(row)?;
            found.insert(row, entry);
        }
        tx.search_words(&TextQuery::new(&word(row as u64)), &Filter::new().tag_all("all"), 5)?;
    }
    if let Some(space) = tx.active_space()? {
        tx.vectors::<Error>(&space, 16, |_| Ok(()))?;
    }
    tx.changes_since(tx.position_numbered(0)?)?;
    tx.stats()?;
    Ok(found)
}
