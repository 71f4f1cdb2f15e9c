//! Rows that other programs leave behind: a vector of no entry takes nobody's place and gives nobody its similarity.

use crate::common::{Answer, BACKENDS, ends, nearest, open};
use rekall::{Degraded, Mode, NewEntry, Rekall};
use rusqlite::Connection;

/// Foreign keys are off, as SQLite has them unless asked.
fn meddle(rekall: &Rekall, sql: &str) {
    let foreign = Connection::open(rekall.path()).unwrap();
    foreign.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    foreign.execute_batch(sql).unwrap();
}

const ORPHANS: &[(&str, &str)] = &[
    (
        "one, logged",
        "INSERT INTO embedding SELECT 99999, space_id, role, chunk, start, end, digest, vector FROM embedding WHERE entry_id = 7",
    ),
    (
        "one, not in the log",
        "INSERT INTO embedding SELECT 99999, space_id, role, chunk, start, end, digest, vector FROM embedding WHERE entry_id = 7;
         DELETE FROM change WHERE entry_id = 99999",
    ),
    (
        "fifty between the others",
        "CREATE TEMP TABLE copy AS SELECT * FROM embedding;
         INSERT INTO embedding SELECT -entry_id, space_id, role, chunk, start, end, digest, vector FROM copy",
    ),
];

/// Each hit's similarity is that of its own vector.
fn own(rekall: &Rekall, hits: &[(String, u32)]) {
    for (id, bits) in hits {
        let entry = rekall.get(id.parse().unwrap()).unwrap();
        let alone = nearest(rekall, "alpha3", 1_000);
        let same = alone.iter().find(|hit| hit.0 == *id).map(|hit| hit.1);
        assert_eq!(same, Some(*bits), "{}", entry.title);
    }
}

fn similar(rekall: &Rekall, id: &str) -> Answer {
    let found = rekall.similar_to(id.parse().unwrap()).threshold(-1.0).limit(20).run().unwrap();
    found.iter().map(|hit| (hit.entry.id.to_string(), hit.similarity.unwrap().to_bits())).collect()
}

fn notes() -> Vec<NewEntry> {
    (0..50).map(|n| NewEntry::new(format!("alpha{} beta{} n{n}", n % 13, n % 7))).collect()
}

#[test]
fn a_vector_of_no_entry_changes_no_answer() {
    for &(name, configure) in BACKENDS {
        for persisted in [false, true] {
            for &(what, sql) in ORPHANS {
                println!("{name}, persisted: {persisted}, {what}");
                ends(name, move || {
                    let folder = tempfile::tempdir().unwrap();
                    let opened = open(&folder.path().join("a.db"), configure);
                    let ids = opened.remember_many(&notes()).run().unwrap();
                    if persisted {
                        opened.rebuild_index().run().unwrap();
                    }
                    let expected = nearest(&opened, "alpha3", 20);
                    let like = ids[3].to_string();
                    let likely = similar(&opened, &like);
                    meddle(&opened, sql);
                    for rekall in [&opened, &open(opened.path(), configure)] {
                        assert_eq!(nearest(rekall, "alpha3", 20), expected);
                        assert_eq!(similar(rekall, &like), likely);
                        let report = rekall.audit_index(10, 10).run().unwrap();
                        assert!(report.is_exact(), "{report:?}");
                    }
                    // Nor in what is persisted from now on.
                    opened.rebuild_index().run().unwrap();
                    let late = open(opened.path(), configure);
                    assert_eq!(nearest(&late, "alpha3", 20), expected);
                    assert!(!opened.check().run().unwrap().is_clean());
                    opened.repair().run().unwrap();
                    assert_eq!(nearest(&opened, "alpha3", 20), expected);
                });
            }
        }
    }
}

#[test]
fn it_is_counted_as_unusable() {
    let folder = tempfile::tempdir().unwrap();
    let memory = open(&folder.path().join("a.db"), BACKENDS[0].1);
    memory.remember_many(&notes()).run().unwrap();
    meddle(&memory, ORPHANS[0].1);
    let found = memory.recall("alpha3").mode(Mode::Semantic).run().unwrap();
    assert!(found.degraded.contains(&Degraded::UnusableVectors { count: 1 }), "{:?}", found.degraded);
}

/// SQLite fires no delete triggers for the row that such a statement replaces, and the log does not tell of it.
#[test]
fn an_entry_that_was_replaced_behind_the_log_answers_no_more() {
    for &(name, configure) in BACKENDS {
        for persisted in [false, true] {
            println!("{name}, persisted: {persisted}");
            ends(name, move || {
                let folder = tempfile::tempdir().unwrap();
                let opened = open(&folder.path().join("a.db"), configure);
                opened.remember_many(&notes()).run().unwrap();
                if persisted {
                    opened.rebuild_index().run().unwrap();
                }
                let before = nearest(&opened, "alpha3", 1_000);
                let replaced: Vec<String> = before[..10].iter().map(|hit| hit.0.clone()).collect();
                for id in &replaced {
                    let sql = format!(
                        "INSERT OR REPLACE INTO entry (ulid, title, created_at, updated_at)
                         VALUES ('{id}', 'replaced', 1, 1)"
                    );
                    meddle(&opened, &sql);
                }
                for rekall in [&opened, &open(opened.path(), configure)] {
                    let now = nearest(rekall, "alpha3", 20);
                    assert_eq!(now, before[10..30]);
                    own(rekall, &now);
                }
            });
        }
    }
}

/// Vectors that rotted where they lie: the log does not tell of it, and what is persisted still speaks of them.
#[test]
fn rotten_vectors_leave_the_others_as_they_are() {
    for &(name, configure) in BACKENDS {
        for persisted in [false, true] {
            println!("{name}, persisted: {persisted}");
            ends(name, move || {
                let folder = tempfile::tempdir().unwrap();
                let opened = open(&folder.path().join("a.db"), configure);
                opened.remember_many(&notes()).run().unwrap();
                if persisted {
                    opened.rebuild_index().run().unwrap();
                }
                let before = nearest(&opened, "alpha3", 1_000);
                let rotten: Vec<&str> = before[..9].iter().map(|hit| hit.0.as_str()).collect();
                meddle(
                    &opened,
                    &format!(
                        "CREATE TEMP TABLE log AS SELECT seq FROM sqlite_sequence WHERE name = 'change';
                         UPDATE embedding SET vector = x'00' WHERE entry_id IN
                             (SELECT id FROM entry WHERE ulid IN ('{}'));
                         DELETE FROM change WHERE seq > (SELECT seq FROM log);
                         UPDATE sqlite_sequence SET seq = (SELECT seq FROM log) WHERE name = 'change'",
                        rotten.join("','")
                    ),
                );
                for (fresh, rekall) in [(false, &opened), (true, &open(opened.path(), configure))] {
                    let now = nearest(rekall, "alpha3", 20);
                    // Whoever has copies of them may still use those.
                    let copies = !fresh || name == "sqlite-vec";
                    assert!(now == before[9..29] || copies && now == before[..20], "fresh: {fresh}, {now:?}");
                }
            });
        }
    }
}
