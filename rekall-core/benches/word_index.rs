//! What do words cost, beside the FTS5 table that they were kept in until file version 2? 20,000 entries of three sentences.
//!
//! Writes the same entries to a store, and by plain SQL with the tables and triggers of version 1 (whose full text is that of
//! version 2): in one transaction, in transactions of 256 and of one. Then searches both. Prints a table.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::path::Path;
use std::time::{Duration, Instant};

use rekall_core::{Draft, Filter, NewEntry, SqliteStore, Store, StoreOptions, TextQuery};
use rusqlite::Connection;
use serde_json::Value;

const ENTRIES: usize = 20_000;
const SEARCHES: usize = 200;

const NOTES: &str = include_str!("../../examples/data/notes.jsonl");

/// Of a version with FTS5.
const TABLES: &str = include_str!("../tests/data/file-version-1.sql");

fn main() {
    // `cargo test` builds and runs benches, too, and is not to wait for this one.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let entries = entries(ENTRIES);
    println!("| | store | FTS5 |\n|---|---|---|");
    for at_once in [ENTRIES, 256, 1] {
        let entries = if at_once == 1 { &entries[..ENTRIES / 10] } else { &entries[..] };
        let path = |name: &str| folder.path().join(format!("{name}-{at_once}.db"));
        let store = micros(write(&path("store"), entries, at_once), entries.len());
        let fts5 = micros(write_fts5(&path("fts5"), entries, at_once), entries.len());
        println!("| µs an entry, {at_once} a transaction | {store:.1} | {fts5:.1} |");
    }
    let (store, fts5) = (folder.path().join("store-256.db"), folder.path().join("fts5-256.db"));
    let [store_bytes, fts5_bytes] = [&store, &fts5].map(|path| words_bytes(path) as f64 / 1e6);
    println!("| MB of words, 256 a transaction | {store_bytes:.2} | {fts5_bytes:.2} |");
    let store = SqliteStore::open(&store, &StoreOptions::default()).unwrap();
    let tables = Connection::open(&fts5).unwrap();
    let questions = questions();
    let searches = || questions.iter().cycle().take(SEARCHES);
    let first = Instant::now();
    search(&store, &questions[0]);
    println!("| ms for the first search | {:.2} | |", first.elapsed().as_secs_f64() * 1e3);
    let started = Instant::now();
    searches().for_each(|question| search(&store, question));
    let own = micros(started.elapsed(), SEARCHES);
    let started = Instant::now();
    searches().for_each(|question| search_fts5(&tables, question));
    let fts5 = micros(started.elapsed(), SEARCHES);
    println!("| µs a search for all words of a question | {own:.0} | {fts5:.0} |");
    let tx = store.read().unwrap();
    let sql = "SELECT count(*) FROM word_segment WHERE state = 'ready'";
    let connection: &rusqlite::Connection = tx.native().and_then(|native| native.downcast_ref()).unwrap();
    let segments: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
    println!("\n{segments} segments");
}

/// Deterministic numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }
}

fn notes() -> Vec<Value> {
    NOTES.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// `count` entries of three sentences each, with the title of some note.
fn entries(count: usize) -> Vec<NewEntry> {
    let (notes, mut random) = (notes(), Random(0x5eed));
    let sentences: Vec<&str> =
        notes.iter().flat_map(|note| note["content"].as_str().unwrap().split_inclusive(". ")).collect();
    (0..count)
        .map(|_| {
            let title = notes[random.below(notes.len())]["title"].as_str().unwrap();
            let content: String = (0..3).map(|_| sentences[random.below(sentences.len())]).collect();
            NewEntry::new(title).content(content).tags(["bench"])
        })
        .collect()
}

/// Titles of notes: questions of a few words.
fn questions() -> Vec<String> {
    notes().iter().map(|note| note["title"].as_str().unwrap().to_owned()).collect()
}

fn micros(elapsed: Duration, count: usize) -> f64 {
    elapsed.as_secs_f64() * 1e6 / count as f64
}

fn write(path: &Path, entries: &[NewEntry], at_once: usize) -> Duration {
    let store = SqliteStore::open(path, &StoreOptions::default()).unwrap();
    let started = Instant::now();
    for entries in entries.chunks(at_once) {
        let drafts: Vec<Draft<'_>> = entries.iter().map(Draft::new).collect();
        let mut tx = store.write().unwrap();
        tx.insert(&drafts).unwrap();
        tx.commit().unwrap();
    }
    started.elapsed()
}

/// The same rows, without what the library does besides: ids and checks.
fn write_fts5(path: &Path, entries: &[NewEntry], at_once: usize) -> Duration {
    let tables = Connection::open(path).unwrap();
    let pragmas = "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;";
    tables.execute_batch(&format!("{pragmas} BEGIN; {TABLES} COMMIT;")).unwrap();
    let started = Instant::now();
    let mut id = 0;
    for entries in entries.chunks(at_once) {
        tables.execute_batch("BEGIN IMMEDIATE").unwrap();
        for entry in entries {
            id += 1;
            tables
                .prepare_cached(
                    "INSERT INTO entry (ulid, title, content, kind, tags, created_at, updated_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, 0, 0)",
                )
                .unwrap()
                .execute((id.to_string(), &entry.title, &entry.content, &entry.kind, "[\"bench\"]"))
                .unwrap();
        }
        tables.execute_batch("COMMIT").unwrap();
    }
    started.elapsed()
}

/// Bytes of the tables that hold words.
fn words_bytes(path: &Path) -> i64 {
    let tables = Connection::open(path).unwrap();
    let sql = "SELECT sum(pgsize) FROM dbstat WHERE (name LIKE 'entry_fts%' OR name LIKE '%word_%')";
    tables.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn search(store: &SqliteStore, question: &str) {
    store.read().unwrap().search_words(&TextQuery::new(question), &Filter::new(), 10).unwrap();
}

fn search_fts5(tables: &Connection, question: &str) {
    let words: Vec<String> = question
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| format!("\"{word}\""))
        .collect();
    let sql = "SELECT rowid, bm25(entry_fts, 2, 1, 2, 1) AS score FROM entry_fts WHERE entry_fts MATCH ?1
        ORDER BY score, rowid LIMIT 10";
    let mut statement = tables.prepare_cached(sql).unwrap();
    let found = statement.query_map([words.join(" OR ")], |row| row.get::<_, i64>(0)).unwrap();
    found.for_each(|row| assert!(row.unwrap() > 0));
}
