//! Every sort of damage is found and named, and repaired without losing an entry.

use std::collections::BTreeSet;
use std::path::Path;

use rekall_core::{EntryId, Error, Filter, ProblemKind, SqliteStore, Store, StoreOptions, TextQuery};
use rusqlite::Connection;

use crate::upkeep_common::*;

/// What another program, with every guard off, can do to a file of notes 1 to 20; and what must be said of it.
const DAMAGE: [(&str, &str, ProblemKind); 47] = [
    (
        "vector of no entry",
        "INSERT INTO embedding VALUES (999, 1, 0, 0, 0, 1, x'', x'00')",
        ProblemKind::Orphan,
    ),
    ("vector of no space", "UPDATE embedding SET space_id = 9 WHERE entry_id = 3", ProblemKind::Orphan),
    ("tag of no entry", "INSERT INTO tag VALUES ('x', 999)", ProblemKind::Orphan),
    ("link from nowhere", "INSERT INTO link VALUES (999, 1, 'related', NULL, 0)", ProblemKind::Orphan),
    ("link to nowhere", "INSERT INTO link VALUES (1, 999, 'related', NULL, 0)", ProblemKind::Orphan),
    ("mark of no entry", "INSERT INTO pending VALUES (999)", ProblemKind::Orphan),
    (
        "quarantine of no entry",
        "INSERT INTO quarantine (entry_id, reason, found_at) VALUES (999, 'r', 0)",
        ProblemKind::Orphan,
    ),
    (
        "block of no space",
        "INSERT INTO index_block (space_id, kind, number, seq, data) VALUES (9, 'k', 0, 0, x'')",
        ProblemKind::Orphan,
    ),
    (
        "section of no entry",
        "INSERT INTO source (id, uri, synced_at) VALUES (1, 'file:///a', 0);
         INSERT INTO section (entry_id, source_id, number) VALUES (999, 1, 0)",
        ProblemKind::Orphan,
    ),
    (
        "section of no source",
        "INSERT INTO section (entry_id, source_id, number) VALUES (3, 9, 0)",
        ProblemKind::Orphan,
    ),
    ("use of no entry", "INSERT INTO usage VALUES (999, 0, 1)", ProblemKind::Orphan),
    ("use in words", "INSERT INTO usage VALUES (3, 'yesterday', 1)", ProblemKind::Source),
    (
        "URI of bytes",
        "INSERT INTO source (uri, synced_at) VALUES (CAST(x'66ff' AS TEXT), 0), (x'66ff', 0)",
        ProblemKind::Source,
    ),
    (
        "headings of numbers",
        "INSERT INTO source (id, uri, synced_at) VALUES (1, 'file:///a', 0);
         INSERT INTO section (entry_id, source_id, number, path) VALUES (3, 1, 0, '[1]')",
        ProblemKind::Source,
    ),
    (
        "tags that are none",
        "INSERT INTO source (id, uri, synced_at) VALUES (1, 'file:///a', 0);
         INSERT INTO section (entry_id, source_id, number, tags) VALUES (3, 1, 0, '{}')",
        ProblemKind::Source,
    ),
    (
        "places in words",
        "INSERT INTO source (id, uri, synced_at) VALUES (1, 'file:///a', 0);
         INSERT INTO section (entry_id, source_id, number, line, digest)
             VALUES (3, 1, 'first', -4, 'none'), (4, 1, 'second', 'top', x''), (5, 1, 2, 1, x'')",
        ProblemKind::Source,
    ),
    ("end in words", "UPDATE entry SET expires_at = 'soon' WHERE id = 3", ProblemKind::Unreadable),
    ("superseded by nothing", "UPDATE entry SET superseded_by = 999 WHERE id = 4", ProblemKind::Orphan),
    ("short vector", "UPDATE embedding SET vector = x'0000803f' WHERE entry_id = 5", ProblemKind::Vector),
    ("empty vector", "UPDATE embedding SET vector = x'' WHERE entry_id = 5", ProblemKind::Vector),
    ("zero vector", "UPDATE embedding SET vector = zeroblob(32) WHERE entry_id = 5", ProblemKind::Vector),
    (
        "not a number",
        "UPDATE embedding SET vector = CAST(x'0000c07f' || zeroblob(28) AS BLOB) WHERE entry_id = 5",
        ProblemKind::Vector,
    ),
    ("text for a vector", "UPDATE embedding SET vector = 'text' WHERE entry_id = 5", ProblemKind::Vector),
    ("unknown role", "UPDATE embedding SET role = 7 WHERE entry_id = 5", ProblemKind::Vector),
    ("impossible role", "UPDATE embedding SET role = 300 WHERE entry_id = 5", ProblemKind::Vector),
    ("role in words", "UPDATE embedding SET role = 'summary' WHERE entry_id = 5", ProblemKind::Vector),
    ("impossible chunk", "UPDATE embedding SET chunk = 70000 WHERE entry_id = 5", ProblemKind::Vector),
    ("backward span", "UPDATE embedding SET start = 5, end = 1 WHERE entry_id = 5", ProblemKind::Vector),
    ("log without an entry", "DELETE FROM change WHERE entry_id = 6", ProblemKind::ChangeLog),
    ("log set back", "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'change'", ProblemKind::ChangeLog),
    ("tag not indexed", "DELETE FROM tag WHERE entry_id = 7", ProblemKind::Tags),
    ("tag too many", "INSERT INTO tag VALUES ('never', 7)", ProblemKind::Tags),
    ("index emptied", "DELETE FROM word_segment", ProblemKind::FullText),
    ("pages of the index gone", "DELETE FROM word_page", ProblemKind::FullText),
    (
        "text changed behind the index",
        "DROP TRIGGER entry_text_changed; UPDATE entry SET content = 'other words' WHERE id = 8",
        ProblemKind::FullText,
    ),
    ("no vectors, no mark", "DELETE FROM embedding WHERE entry_id = 9", ProblemKind::Pending),
    (
        "two active spaces",
        "DROP INDEX space_active;
         INSERT INTO space (fingerprint, dimensions, state, created_at) VALUES ('other', 8, 'active', 0)",
        ProblemKind::Space,
    ),
    ("unknown state", "UPDATE space SET state = 'odd' WHERE id = 1", ProblemKind::Space),
    ("no dimensions", "UPDATE space SET dimensions = 0 WHERE id = 1", ProblemKind::Space),
    ("no id", "UPDATE entry SET ulid = 'no id' WHERE id = 10", ProblemKind::Unreadable),
    ("no confidence", "UPDATE entry SET confidence = 999 WHERE id = 10", ProblemKind::Unreadable),
    ("no time", "UPDATE entry SET created_at = 'yesterday' WHERE id = 10", ProblemKind::Unreadable),
    (
        "no JSON",
        "DROP TRIGGER entry_text_changed;
         UPDATE entry SET tags = '[broken', context = '{\"unknown\": 1}', metadata = '[]', legacy = '}'
             WHERE id = 10",
        ProblemKind::Unreadable,
    ),
    (
        "no text",
        "UPDATE entry SET title = CAST(x'ff41' AS TEXT), kind = x'4142', project = 3.5 WHERE id = 10",
        ProblemKind::Unreadable,
    ),
    ("trigger gone", "DROP TRIGGER entry_inserted", ProblemKind::Schema),
    ("index gone", "DROP INDEX tag_entry", ProblemKind::Schema),
    (
        "index changed",
        "DROP INDEX link_target; CREATE INDEX link_target ON link (source_id)",
        ProblemKind::Schema,
    ),
];

/// A connection of a program that knows no rules.
pub(crate) fn vandal(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;").unwrap();
    connection
}

fn numbers(store: &SqliteStore) -> Vec<i64> {
    let tx = store.read().unwrap();
    tx.matching(&Filter::new().any_status()).unwrap()
}

#[test]
fn every_damage_is_found_and_repaired() {
    for (name, sql, kind) in DAMAGE {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let store = indexed(&path, 20);
        assert_clean(&store);
        let before = numbers(&store);
        let position = store.read().unwrap().position().unwrap();

        vandal(&path).execute_batch(sql).unwrap_or_else(|error| panic!("{name}: {error}"));
        let report = store.check().unwrap();
        assert!(!report.is_clean(), "{name} goes unnoticed");
        assert!(report.problems.iter().any(|problem| problem.kind == kind), "{name}: {report:#?}");

        let repaired = store.repair().unwrap_or_else(|error| panic!("{name}: {error}"));
        let report = store.check().unwrap();
        assert!(report.is_clean(), "{name}: {repaired:#?} left {report:#?}");
        assert_eq!(numbers(&store), before, "{name}: an entry is lost");
        let tx = store.read().unwrap();
        assert!(tx.position().unwrap().number() > position.number());
        assert!(
            matches!(tx.changes_since(position).unwrap(), rekall_core::Changes::Lost { .. }),
            "{name}: readers must read everything anew"
        );
        for (row, entry) in entries(&store) {
            if row != 10 && !(name.starts_with("text changed") && row == 8) {
                assert!(says(&entry, row as u64), "{name}: entry {row}");
            }
        }
        let hits = tx.search_words(&TextQuery::new(&word(11)), &Filter::new(), 5).unwrap();
        assert_eq!(hits.len(), 1, "{name}");
        drop(tx);
        // And everything works as ever.
        let mut tx = store.write().unwrap();
        tx.delete(id(12)).unwrap();
        tx.commit().unwrap();
        assert_clean(&store);
    }
}

#[test]
fn entries_that_no_trigger_saw_are_found_by_what_the_index_says() {
    for (sql, row, detail) in [
        (
            "DROP TRIGGER entry_inserted; INSERT INTO entry (ulid, title, created_at, updated_at)
                 VALUES ('01ARZ3NDEKTSV4RRFFQ69G5FAV', 'unseen', 0, 0)",
            21,
            "does not have the entry",
        ),
        ("DROP TRIGGER entry_deleted; DELETE FROM entry WHERE id = 19", 19, "words of no entry"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let store = indexed(&path, 20);
        vandal(&path).execute_batch(sql).unwrap();
        let of_words = |problem: &rekall_core::Problem| {
            problem.kind == ProblemKind::FullText
                && problem.row == Some(row)
                && problem.detail.contains(detail)
        };
        let report = store.check().unwrap();
        assert!(report.problems.iter().any(of_words), "{sql}: {report:#?}");
        store.repair().unwrap();
        assert_clean(&store);
    }
}

#[test]
fn all_damage_at_once_is_repaired_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = indexed(&path, 20);
    let mut kinds = BTreeSet::new();
    for (_, sql, kind) in DAMAGE {
        // Some damage needs a trigger that other damage has removed.
        if vandal(&path).execute_batch(sql).is_ok() {
            kinds.insert(format!("{kind:?}"));
        }
    }
    let found: BTreeSet<String> =
        store.check().unwrap().problems.iter().map(|problem| format!("{:?}", problem.kind)).collect();
    assert!(found.is_superset(&kinds), "{found:?} of {kinds:?}");
    store.repair().unwrap();
    assert_clean(&store);
    assert_eq!(numbers(&store).len(), 20);
}

#[test]
fn problems_name_their_entry() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = filled(&path, 20);
    vandal(&path).execute_batch("UPDATE embedding SET vector = zeroblob(32) WHERE entry_id = 5").unwrap();
    let report = store.check().unwrap();
    let [problem] = report.problems.as_slice() else { panic!("{report:#?}") };
    assert_eq!((problem.entry, problem.row), (Some(id(5)), Some(5)));
    assert_eq!(problem.detail, "vector must be finite and of length 1, got length 0");
    assert_eq!((report.entries, report.vectors, report.tags), (20, 20, 40));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["problems"][0]["kind"], "vector");
    assert_eq!(json["problems"][0]["entry"], id(5).to_string());
}

#[test]
fn what_was_unreadable_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = filled(&path, 20);
    vandal(&path)
        .execute_batch(
            "DROP TRIGGER entry_text_changed;
             UPDATE entry SET ulid = 'old name', tags = '[broken', context = '{\"unknown\": \"mystery\"}',
                 confidence = 999, title = CAST(x'ff41' AS TEXT), legacy = '{\"source\": \"import\"}' WHERE id = 10;
             UPDATE embedding SET vector = x'0102' WHERE entry_id = 11;
             INSERT INTO link VALUES (10, 11, 'related', NULL, 0);",
        )
        .unwrap();
    // Reading says what is wrong instead of something wrong, and the rest is there.
    assert!(matches!(store.read().unwrap().entries(&[10]), Err(Error::Corrupt { .. })));
    assert!(store.get(id(11)).is_ok());

    let report = store.repair().unwrap();
    let [mended] = report.repaired.as_slice() else { panic!("{report:?}") };
    assert_eq!(mended.columns, ["ulid", "title", "tags", "confidence", "context"]);
    assert_eq!((report.quarantined, report.objects, report.orphans), (1, 1, 0));
    let entry = store.get(mended.id).unwrap();
    let legacy = entry.legacy.as_ref().unwrap();
    assert_eq!(legacy["source"], "import");
    let kept = &legacy["unreadable"];
    assert_eq!(kept["ulid"], "old name");
    assert_eq!(kept["tags"], "[broken");
    assert_eq!(kept["confidence"], 999);
    assert_eq!(kept["title"]["base64"], "/0E=");
    assert_eq!(entry.title, "\u{fffd}A");
    let tx = store.read().unwrap();
    let hits = tx.search_words(&TextQuery::new("mystery"), &Filter::new(), 5).unwrap();
    assert_eq!(hits.len(), 1, "what the context said is still found");
    assert_eq!(tx.links(mended.id).unwrap().len(), 1);
    assert_eq!(tx.stats().unwrap().quarantined, 1);
    let (reason, vector): (String, Vec<u8>) = Connection::open(&path)
        .unwrap()
        .query_row("SELECT reason, vector FROM quarantine", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!((reason.as_str(), vector.as_slice()), ("vector must have 32 bytes, got 2", &[1, 2][..]));
}

#[test]
fn one_bad_row_stops_no_search() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = filled(&path, 20);
    vandal(&path)
        .execute_batch(
            "UPDATE embedding SET role = 300 WHERE entry_id = 5;
             UPDATE embedding SET chunk = 'one' WHERE entry_id = 6;
             UPDATE embedding SET vector = 'text' WHERE entry_id = 7;",
        )
        .unwrap();
    let tx = store.read().unwrap();
    let space = tx.active_space().unwrap().unwrap();
    let (mut sound, mut unusable) = (0, 0);
    tx.vectors::<Error>(&space, 8, |batch| {
        sound += batch.keys.len();
        unusable += batch.unusable.len();
        Ok(())
    })
    .unwrap();
    assert_eq!((sound, unusable), (17, 3));
}

#[test]
fn a_thousand_problems_are_listed_and_all_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = filled(&path, 1_200);
    vandal(&path).execute_batch("UPDATE embedding SET vector = x''").unwrap();
    let report = store.check().unwrap();
    assert_eq!((report.found, report.problems.len()), (1_200, 1_000));
    let repaired = store.repair().unwrap();
    assert_eq!((repaired.quarantined, repaired.pending), (1_200, 1_200));
    assert_clean(&store);
}

#[test]
fn a_read_only_store_is_checked_and_not_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let writer = indexed(&path, 20);
    vandal(&path).execute_batch("DELETE FROM word_page").unwrap();
    drop(writer);
    let mut options = StoreOptions::default();
    options.read_only = true;
    let before = std::fs::read(&path).unwrap();
    let store = SqliteStore::open(&path, &options).unwrap();
    let report = store.check().unwrap();
    // The pages that are missing, and passages whose words are not in them.
    assert_eq!(report.found, 2);
    assert!(report.problems.iter().all(|problem| problem.kind == ProblemKind::FullText), "{report:#?}");
    assert!(matches!(store.repair(), Err(Error::ReadOnly { .. })));
    assert!(matches!(store.compact(), Err(Error::ReadOnly { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_check_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("a.db"), 20);
    let other = open(store.path());
    let tx = other.write().unwrap();
    assert_clean(&store);
    tx.commit().unwrap();
}

#[test]
fn ids_made_by_repair_are_ids() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = filled(&path, 5);
    vandal(&path)
        .execute_batch(
            "UPDATE entry SET ulid = 'x' WHERE id = 1; UPDATE entry SET ulid = 'y' WHERE id = 2;
             UPDATE entry SET ulid = '0000000000000000000000000z' WHERE id = 3;",
        )
        .unwrap();
    store.repair().unwrap();
    assert_clean(&store);
    let ids: BTreeSet<EntryId> = entries(&store).into_iter().map(|(_, entry)| entry.id).collect();
    assert_eq!(ids.len(), 5);
    assert!(ids.contains(&"0000000000000000000000000Z".parse().unwrap()), "an id keeps its name: {ids:?}");
}
