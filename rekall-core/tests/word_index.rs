//! The word index in the file: whatever was written, by whom, and who was killed meanwhile, a search finds what a file made at
//! once finds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod upkeep_common;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use rekall_core::{
    Draft, EntryId, EntryPatch, Filter, NewEntry, ProblemKind, SqliteStore, Store, StoreOptions, TextQuery,
};
use rusqlite::Connection;
use upkeep_common::*;

const FILE: &str = "REKALL_WORDS_FILE";

/// A word: the lower the number, the more entries hold it.
fn some_word(random: &mut Random) -> String {
    let most = random.below(9) + 1;
    format!("w{}", random.below(1 << most))
}

fn some_text(random: &mut Random) -> String {
    let words: Vec<String> = (0..1 + random.below(12)).map(|_| some_word(random)).collect();
    words.join([" ", "-", ".", " "][random.below(4) as usize])
}

/// Ids with the bits of their scores, for queries of every form.
fn answers(store: &SqliteStore) -> Vec<Vec<(EntryId, u64)>> {
    let mut random = Random(4711);
    let tx = store.read().unwrap();
    let queries = (0..60).map(|_| some_text(&mut random));
    queries
        .flat_map(|text| {
            [TextQuery::new(&text), TextQuery::new(&text).prefix(), TextQuery::new(&format!("\"{text}\""))]
        })
        .map(|query| {
            let hits = tx.search_words(&query, &Filter::new(), usize::MAX >> 1).unwrap();
            let rows: Vec<i64> = hits.iter().map(|hit| hit.key.row).collect();
            let ids = tx.ids(&rows).unwrap();
            let mut found: Vec<_> = hits.iter().map(|hit| (ids[&hit.key.row], hit.score.to_bits())).collect();
            found.sort_unstable();
            found
        })
        .collect()
}

/// The same entries, written to another file at once.
fn written_at_once(path: &Path, store: &SqliteStore) -> SqliteStore {
    let new = open(path);
    let mut tx = new.write().unwrap();
    for (_, entry) in entries(store) {
        let note = NewEntry::new(entry.title).content(entry.content).tags(entry.tags);
        tx.insert(&[Draft::new(&note).id(entry.id)]).unwrap();
    }
    tx.commit().unwrap();
    new
}

fn count(store: &SqliteStore, sql: &str) -> i64 {
    let tx = store.read().unwrap();
    sqlite(&*tx).query_row(sql, [], |row| row.get(0)).unwrap()
}

const READY: &str = "SELECT count(*) FROM word_segment WHERE state = 'ready'";

/// One change, by the library or by plain SQL.
fn change(
    store: &SqliteStore,
    foreign: &Connection,
    random: &mut Random,
    living: &mut BTreeMap<u64, ()>,
    next: &mut u64,
) {
    let some = |random: &mut Random, living: &BTreeMap<u64, ()>| {
        let at = random.below(living.len().max(1) as u64) as usize;
        living.keys().nth(at).copied()
    };
    let name = |number: u64| id(number).to_string();
    match random.below(10) {
        0..=3 => {
            let mut tx = store.write().unwrap();
            for _ in 0..1 + random.below(400) {
                let note =
                    NewEntry::new(some_text(random)).content(some_text(random)).tags([some_word(random)]);
                tx.insert(&[Draft::new(&note).id(id(*next))]).unwrap();
                living.insert(*next, ());
                *next += 1;
            }
            tx.commit().unwrap();
        }
        4 => {
            let mut tx = store.write().unwrap();
            for _ in 0..1 + random.below(100) {
                let Some(number) = some(random, living) else { break };
                tx.update(id(number), &EntryPatch::new().title(some_text(random))).unwrap();
            }
            tx.commit().unwrap();
        }
        5 => {
            let mut tx = store.write().unwrap();
            for _ in 0..random.below(150) {
                let Some(number) = some(random, living) else { break };
                tx.delete(id(number)).unwrap();
                living.remove(&number);
            }
            tx.commit().unwrap();
        }
        6 => {
            let Some(number) = some(random, living) else { return };
            let sql = "UPDATE entry SET content = ?2 WHERE ulid = ?1";
            foreign.execute(sql, (name(number), some_text(random))).unwrap();
        }
        7 => {
            let Some(number) = some(random, living) else { return };
            foreign.execute("DELETE FROM entry WHERE ulid = ?1", [name(number)]).unwrap();
            living.remove(&number);
        }
        8 => {
            let number = some(random, living).unwrap_or(*next);
            let sql =
                "INSERT OR REPLACE INTO entry (ulid, title, created_at, updated_at) VALUES (?1, ?2, 0, 0)";
            foreign.execute(sql, (name(number), some_text(random))).unwrap();
            living.insert(number, ());
            *next = (*next).max(number + 1);
        }
        _ => {
            // What does not become visible.
            let mut tx = store.write().unwrap();
            let note = NewEntry::new(some_text(random));
            tx.insert(&[Draft::new(&note).id(id(*next))]).unwrap();
            tx.search_words(&TextQuery::new("w1"), &Filter::new(), 3).unwrap();
        }
    }
}

#[test]
fn any_history_of_writes_gives_the_index_of_a_file_written_at_once() {
    for seed in 1..=3 {
        println!("seed {seed}");
        let folder = tempfile::tempdir().unwrap();
        let (mut random, mut living, mut next) = (Random(seed), BTreeMap::new(), 1);
        let path = folder.path().join("a.db");
        let mut store = open(&path);
        let other = open(&path);
        let foreign = Connection::open(&path).unwrap();
        let mut merged = 0;
        for step in 1..=90 {
            change(&store, &foreign, &mut random, &mut living, &mut next);
            merged = merged.max(count(&store, "SELECT count(*) FROM word_segment WHERE oldest < newest"));
            if random.below(9) == 0 {
                store = open(&path);
            }
            if random.below(30) == 0 {
                store.compact().unwrap();
                assert!(count(&store, READY) <= 1);
            }
            if step % 30 == 0 {
                assert_clean(&store);
                let expected = written_at_once(&folder.path().join(format!("{step}.db")), &store);
                let expected = answers(&expected);
                assert!(expected.iter().filter(|found| !found.is_empty()).count() > 50);
                for store in [&store, &other, &open(&path)] {
                    assert!(answers(store) == expected, "seed {seed}, step {step}");
                }
            }
        }
        assert!(merged > 0, "nothing was merged");
        assert!(living.len() > 2_000, "{} entries", living.len());
    }
}

#[test]
fn segments_stay_few_and_a_large_write_is_moved_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("a.db"));
    let mut random = Random(5);
    for _ in 0..80 {
        let mut tx = store.write().unwrap();
        for _ in 0..256 {
            tx.insert(&[Draft::new(&NewEntry::new(some_text(&mut random)))]).unwrap();
        }
        tx.commit().unwrap();
        assert_eq!(count(&store, "SELECT count(*) FROM word_pending"), 0);
        assert!(count(&store, READY) <= 24, "{} segments", count(&store, READY));
    }
    assert!(count(&store, READY) <= 16, "{} segments", count(&store, READY));
    assert_clean(&store);
}

#[test]
fn an_older_state_put_into_the_file_is_searched_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path);
    let add = |title: &str| {
        let mut tx = store.write().unwrap();
        for number in 0..300 {
            tx.insert(&[Draft::new(&NewEntry::new(format!("{title} {number}")))]).unwrap();
        }
        tx.commit().unwrap();
    };
    let found = |word: &str| {
        let tx = store.read().unwrap();
        tx.search_words(&TextQuery::new(word), &Filter::new(), 1_000).unwrap().len()
    };
    add("first");
    let older = folder.path().join("older.db");
    store.backup(&older, &mut |_, _| (), None).unwrap();
    add("second");
    assert_eq!((found("first"), found("second")), (300, 300));
    let from = Connection::open(&older).unwrap();
    let mut to = Connection::open(&path).unwrap();
    let backup = rusqlite::backup::Backup::new(&from, &mut to).unwrap();
    backup.run_to_completion(1_000, Duration::ZERO, None).unwrap();
    drop(backup);
    assert_eq!((found("first"), found("second")), (300, 0));
    // Segments get the numbers again that others had.
    add("third");
    assert_eq!((found("first"), found("second"), found("third")), (300, 0, 300));
    assert_clean(&store);
}

/// Runs in a child only: writes, replaces and deletes without end.
#[test]
fn child_writes_words() {
    let Ok(file) = std::env::var(FILE) else { return };
    let store = open(Path::new(&file));
    let mut random = Random(std::process::id().into());
    for round in 0_u64.. {
        let mut tx = store.write().unwrap();
        for _ in 0..300 {
            let note = NewEntry::new(some_text(&mut random)).content(some_text(&mut random));
            tx.insert(&[Draft::new(&note)]).unwrap();
        }
        let rows = tx.matching(&Filter::new()).unwrap();
        for at in 0..60 {
            let row = rows[(random.below(rows.len() as u64) as usize + at) % rows.len()];
            let Some((_, entry)) = tx.entries(&[row]).unwrap().pop() else { continue };
            match at % 2 {
                0 => tx.delete(entry.id).unwrap(),
                _ => drop(tx.update(entry.id, &EntryPatch::new().title(some_text(&mut random))).unwrap()),
            }
        }
        tx.commit().unwrap();
        say(&format!("round {round}"));
    }
}

#[test]
fn a_writer_killed_at_any_moment_leaves_a_whole_index() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path);
    let mut random = Random(9);
    let mut was_merging = false;
    for _ in 0..6 {
        let mut children: Vec<_> = (0..2)
            .map(|_| child("child_writes_words", &[(FILE, path.to_str().unwrap())]).spawn().unwrap())
            .collect();
        let mut said = lines(&mut children[0]);
        for _ in 0..=random.below(3) {
            said.next().unwrap();
            // Another process sees what was written, in the middle of it all.
            let tx = store.read().unwrap();
            let entries = tx.count_entries().unwrap();
            let found = tx.search_words(&TextQuery::new("w"), &Filter::new(), 1).unwrap();
            assert!(found.is_empty() && entries > 0);
            assert_eq!(tx.fault_of_words().unwrap(), None);
        }
        let end = Instant::now() + Duration::from_micros(random.below(20_000));
        while Instant::now() < end {
            std::hint::spin_loop();
        }
        for child in &mut children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let unfinished = "SELECT count(*) FROM word_segment WHERE state <> 'ready'";
        was_merging |= count(&store, unfinished) > 0;
        assert_clean(&store);
    }
    assert!(was_merging || count(&store, READY) < 8, "nothing was merged");
    let expected = written_at_once(&folder.path().join("b.db"), &store);
    assert!(answers(&store) == answers(&expected));
    store.compact().unwrap();
    assert!(answers(&store) == answers(&expected));
    assert_clean(&store);
}

#[test]
fn a_merge_that_meets_damage_is_no_reason_not_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path);
    let mut random = Random(3);
    for round in 0..24 {
        let mut tx = store.write().unwrap();
        for _ in 0..256 {
            tx.insert(&[Draft::new(&NewEntry::new(some_text(&mut random)))]).unwrap();
        }
        tx.commit().unwrap();
        if round == 3 {
            let sql = "UPDATE word_page SET docs = zeroblob(length(docs)) WHERE rowid = (SELECT max(rowid) FROM word_page)";
            assert_eq!(Connection::open(&path).unwrap().execute(sql, []).unwrap(), 1);
        }
    }
    assert_eq!(store.read().unwrap().count_entries().unwrap(), 24 * 256);
    let report = store.check().unwrap();
    assert!(report.problems.iter().any(|problem| problem.kind == ProblemKind::FullText), "{report:#?}");
    store.repair().unwrap();
    assert_clean(&store);
    let expected = written_at_once(&folder.path().join("b.db"), &store);
    assert!(answers(&store) == answers(&expected));
}

#[test]
fn a_segment_that_is_gone_is_said_by_a_quick_look() {
    for damage in [
        "DELETE FROM word_segment",
        "DELETE FROM word_page WHERE rowid = (SELECT max(rowid) FROM word_page)",
        "UPDATE word_segment SET docs = x'00'",
        "DELETE FROM word_pending",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let store = indexed(&path, 300);
        let mut tx = store.write().unwrap();
        insert(&mut *tx, &[(id(301), 301)]).unwrap();
        tx.commit().unwrap();
        assert_eq!(store.read().unwrap().fault_of_words().unwrap(), None);
        Connection::open(&path).unwrap().execute_batch(damage).unwrap();
        // Also by a process that has searched before.
        let stores = [open(&path), SqliteStore::open(&path, &read_only()).unwrap()];
        let is_seen = |store: &SqliteStore| store.read().unwrap().fault_of_words().unwrap().is_some();
        assert!(stores.iter().all(is_seen), "{damage}");
        if !damage.contains("docs") && !damage.contains("word_pending") {
            assert!(is_seen(&store), "{damage}");
        }
        assert!(!store.check().unwrap().is_clean(), "{damage}");
        store.repair().unwrap();
        assert_eq!(store.read().unwrap().fault_of_words().unwrap(), None, "{damage}");
        assert_clean(&store);
    }
}

/// A word without a beginning in common with others.
fn secret(number: u64) -> String {
    let mut random = Random(number);
    (0..14).map(|_| char::from(b'a' + random.below(26) as u8)).collect()
}

#[test]
fn words_erased_leave_merges_that_are_under_way_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let mut options = StoreOptions::default();
    options.secure_delete = true;
    let store = SqliteStore::open(&path, &options).unwrap();
    let mut random = Random(8);
    let mut number = 0;
    for round in 0..20_u64 {
        let mut tx = store.write().unwrap();
        for _ in 0..300 {
            number += 1;
            let title = format!("{} {}", secret(number), some_text(&mut random));
            tx.insert(&[Draft::new(&NewEntry::new(title)).id(id(number))]).unwrap();
        }
        tx.commit().unwrap();
        let forgotten: Vec<u64> =
            (0..5).map(|at| 300 * random.below(round + 1) + 60 * at + random.below(60) + 1).collect();
        for &number in &forgotten {
            let mut tx = store.write().unwrap();
            let _ = tx.delete(id(number));
            tx.commit().unwrap();
        }
        let mut log = path.clone().into_os_string();
        log.push("-wal");
        let bytes = [std::fs::read(&path).unwrap(), std::fs::read(log).unwrap_or_default()].concat();
        for number in forgotten {
            // Its end: a term shares its beginning with the one before.
            let (word, end) = (secret(number), secret(number).split_off(4));
            let is_there = bytes.windows(end.len()).any(|window| window == end.as_bytes());
            assert!(!is_there, "{word} in round {round}");
        }
        let end = secret(number).split_off(4);
        assert!(bytes.windows(end.len()).any(|window| window == end.as_bytes()), "what is there is seen");
        assert_clean(&store);
    }
}
