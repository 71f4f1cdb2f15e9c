//! Damage that SQLite takes for sound: every loss is seen by `check`, and after `repair` or `salvage` searches answer as those
//! of a file that nothing happened to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use rekall_core::{EntryId, Error, Filter, ProblemKind, Relation, SqliteStore, Store, TextQuery};

use crate::check::vandal;
use crate::upkeep_common::*;

const ENTRIES: u64 = 140;

/// How long anything may take on a file of this size, on the slowest machine.
const LONGEST: Duration = Duration::from_secs(10);

/// What a damage takes that nothing in the file can give back.
#[derive(Clone, Copy, PartialEq)]
enum Lost {
    Nothing,
    /// Vectors, all or some; the entries wait for others.
    Vectors,
    /// The name of the model.
    Model,
    /// Links.
    Links,
}

use Lost::{Links, Model, Nothing, Vectors};
use ProblemKind::{Blocks, ChangeLog, File, FullText, Orphan, Pending, Schema, Space, Tags, Unreadable};

const DAMAGE: [(&str, &str, ProblemKind, Lost); 72] = [
    // Words.
    ("no pages of words", "DELETE FROM word_page", FullText, Nothing),
    ("a page of words gone", "DELETE FROM word_page WHERE rowid = (SELECT max(rowid) FROM word_page)", FullText, Nothing),
    ("words of another segment", "UPDATE word_page SET segment_id = segment_id + 1000", FullText, Nothing),
    ("a page by another word", "UPDATE word_page SET first_term = x'307a7a' WHERE rowid = (SELECT max(rowid) FROM word_page)", FullText, Nothing),
    ("a page twice", "INSERT INTO word_page SELECT segment_id, x'7a7a7a7a', docs, places FROM word_page LIMIT 1", FullText, Nothing),
    ("a page of zeroes", "UPDATE word_page SET docs = zeroblob(length(docs)) WHERE rowid = (SELECT max(rowid) FROM word_page)", FullText, Nothing),
    ("places of zeroes", "UPDATE word_page SET places = zeroblob(length(places)) WHERE rowid = (SELECT max(rowid) FROM word_page)", FullText, Nothing),
    ("a page in words", "UPDATE word_page SET docs = 'some'", FullText, Nothing),
    ("no places", "UPDATE word_page SET places = x''", FullText, Nothing),
    ("no segments", "DELETE FROM word_segment", FullText, Nothing),
    ("a table of zeroes", "UPDATE word_segment SET docs = zeroblob(length(docs))", FullText, Nothing),
    ("a table in words", "UPDATE word_segment SET docs = 'many'", FullText, Nothing),
    ("another number of pages", "UPDATE word_segment SET pages = pages + 1", FullText, Nothing),
    ("a number of pages in words", "UPDATE word_segment SET pages = 'some'", FullText, Nothing),
    ("a segment twice", "INSERT INTO word_segment SELECT id + 1, state, oldest, newest, passages, pages, docs FROM word_segment", FullText, Nothing),
    ("a segment of no state", "PRAGMA ignore_check_constraints = ON; UPDATE word_segment SET state = 'lost'", FullText, Nothing),
    ("a segment on its way out", "UPDATE word_segment SET state = 'leaving'", FullText, Nothing),
    ("a segment that begins after its end", "UPDATE word_segment SET oldest = newest + 5", FullText, Nothing),
    ("no table of segments", "DROP TABLE word_segment", Schema, Nothing),
    ("no table of pages", "DROP TABLE word_page", Schema, Nothing),
    ("no table of those that wait", "DROP TABLE word_pending", Schema, Nothing),
    ("segments in a table of another kind", "DROP TABLE word_segment; CREATE TABLE word_segment (title, content)", Schema, Nothing),
    // Tags.
    ("no tags", "DELETE FROM tag", Tags, Nothing),
    ("other tags", "UPDATE tag SET tag = upper(tag)", Tags, Nothing),
    ("tags of another", "UPDATE tag SET entry_id = entry_id + 1 WHERE tag = 'tag1'", Tags, Nothing),
    // The log and what else counts.
    ("log set back", "UPDATE sqlite_sequence SET seq = 5 WHERE name = 'change'", ChangeLog, Nothing),
    ("log at its end", "UPDATE sqlite_sequence SET seq = 9223372036854775807 WHERE name = 'change'", ChangeLog, Nothing),
    ("log below zero", "UPDATE sqlite_sequence SET seq = -1 WHERE name = 'change'", ChangeLog, Nothing),
    ("log in words", "UPDATE sqlite_sequence SET seq = 'many' WHERE name = 'change'", ChangeLog, Nothing),
    ("log not counted", "DELETE FROM sqlite_sequence", ChangeLog, Nothing),
    ("log counted twice", "INSERT INTO sqlite_sequence VALUES ('change', 3)", ChangeLog, Nothing),
    ("log emptied", "DELETE FROM change", ChangeLog, Nothing),
    ("log of negatives", "UPDATE change SET seq = -seq WHERE entry_id = 4", ChangeLog, Nothing),
    ("log of what never was", "INSERT INTO change (entry_id) VALUES (99999)", ChangeLog, Nothing),
    ("floor in words", "INSERT OR REPLACE INTO meta VALUES ('log_floor', 'low')", ChangeLog, Nothing),
    ("floor beyond", "INSERT OR REPLACE INTO meta VALUES ('log_floor', 9223372036854775807)", ChangeLog, Nothing),
    ("floor below", "INSERT OR REPLACE INTO meta VALUES ('log_floor', -1)", ChangeLog, Nothing),
    ("floor of bytes", "INSERT OR REPLACE INTO meta VALUES ('log_floor', x'00')", ChangeLog, Nothing),
    ("rows counted anew", "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'entry'", ChangeLog, Nothing),
    ("no row left", "UPDATE sqlite_sequence SET seq = 9223372036854775807 WHERE name = 'entry'", ChangeLog, Nothing),
    (
        "row 0",
        "DROP TRIGGER entry_id_fixed; UPDATE entry SET id = 0 WHERE id = 4;
         UPDATE embedding SET entry_id = 0 WHERE entry_id = 4; UPDATE link SET source_id = 0 WHERE source_id = 4;
         UPDATE link SET target_id = 0 WHERE target_id = 4;",
        Unreadable,
        Nothing,
    ),
    (
        "the last row",
        "DROP TRIGGER entry_id_fixed; UPDATE entry SET id = 9223372036854775807 WHERE id = 4;
         UPDATE embedding SET entry_id = 9223372036854775807 WHERE entry_id = 4;
         UPDATE link SET source_id = 9223372036854775807 WHERE source_id = 4;
         UPDATE link SET target_id = 9223372036854775807 WHERE target_id = 4;",
        Unreadable,
        Nothing,
    ),
    // Spaces.
    ("no dimensions", "UPDATE space SET dimensions = 0", Space, Nothing),
    ("dimensions beyond memory", "UPDATE space SET dimensions = 1099511627776", Space, Nothing),
    ("dimensions beyond numbers", "UPDATE space SET dimensions = 9223372036854775807", Space, Nothing),
    ("dimensions below zero", "UPDATE space SET dimensions = -8", Space, Nothing),
    ("dimensions in words", "UPDATE space SET dimensions = 'eight'", Space, Nothing),
    ("other dimensions", "UPDATE space SET dimensions = 16", Space, Nothing),
    ("unknown state", "UPDATE space SET state = 'odd' WHERE state = 'active'", Space, Nothing),
    ("none active", "UPDATE space SET state = 'retired'", Space, Nothing),
    (
        "two active",
        "DROP INDEX space_active;
         INSERT INTO space (fingerprint, dimensions, state, created_at) VALUES ('other', 8, 'active', 0)",
        Space,
        Nothing,
    ),
    ("model in bytes", "UPDATE space SET fingerprint = x'ff' WHERE state = 'active'", Space, Model),
    ("spaces gone", "DELETE FROM space", Pending, Vectors),
    ("spaces gone alone", "DROP TRIGGER space_deleted; DELETE FROM space", Orphan, Vectors),
    // Waiting.
    ("vectors gone", "DELETE FROM embedding", Pending, Vectors),
    ("nobody waits", "DELETE FROM pending", Pending, Nothing),
    ("nobody is wordless", "DELETE FROM wordless", Pending, Nothing),
    // What is persisted.
    ("a seal for more", "UPDATE index_block SET data = x'524b4c5345414c020400000000000000' WHERE number = 3", Blocks, Nothing),
    ("seal over nothing", "DELETE FROM index_block WHERE number < 3; UPDATE index_block SET number = 0", Blocks, Nothing),
    ("a block gone", "DELETE FROM index_block WHERE number = 1", Blocks, Nothing),
    ("blocks of the future", "UPDATE index_block SET seq = 9223372036854775807", Blocks, Nothing),
    ("blocks of no moment", "UPDATE index_block SET seq = 'now'", Blocks, Nothing),
    ("a block of another moment", "UPDATE index_block SET seq = seq - 1 WHERE number = 1", Blocks, Nothing),
    ("blocks of no index", "UPDATE index_block SET kind = x'00'", Blocks, Nothing),
    ("a table sealed that is gone", "INSERT INTO index_block SELECT space_id, 'sqlite-vec', 0, seq, x'524b4c5345414c020000000000000000' FROM index_block WHERE number = 3", Blocks, Nothing),
    // The schema.
    ("another index", "DROP INDEX entry_obsolete; CREATE INDEX entry_obsolete ON entry (id) WHERE status = 'active'", Schema, Nothing),
    ("not one active", "DROP INDEX space_active; CREATE INDEX space_active ON space (state) WHERE state = 'active'", Schema, Nothing),
    ("a table dropped", "DROP TABLE tag; DROP TABLE quarantine; DROP TABLE index_block", Schema, Nothing),
    ("a column dropped", "DROP INDEX entry_facets; DROP INDEX entry_scope; ALTER TABLE entry DROP COLUMN memory_type", Schema, Nothing),
    ("an index over a table's page", "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'pending') WHERE name = 'entry_obsolete'", File, Nothing),
    ("an index that is a table", "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'meta') WHERE name = 'tag_entry'", File, Nothing),
    ("a link to itself", "UPDATE link SET target_id = source_id", File, Links),
];

/// What breaks a rule of SQLite's own, which a repair leaves to `salvage`.
const NOT_IN_PLACE: [&str; 4] =
    ["a column dropped", "an index over a table's page", "an index that is a table", "a link to itself"];

/// A file with everything in it, closed.
fn sound(path: &Path) {
    let store = indexed(path, ENTRIES);
    let mut tx = store.write().unwrap();
    let space = tx.active_space().unwrap().unwrap();
    for number in (1..ENTRIES).step_by(10) {
        tx.link(id(number), id(number + 3), &Relation::from("next"), None).unwrap();
    }
    // An entry without a known word, one that waits, one that no longer holds.
    for (number, is_wordless) in [(20, true), (30, false)] {
        tx.set_vectors(number, space.id, &[], &[]).unwrap();
        if is_wordless { tx.mark_wordless(number, space.id) } else { tx.mark_pending(number) }.unwrap();
    }
    sqlite(&*tx)
        .execute("UPDATE entry SET status = 'obsolete', superseded_by = 41 WHERE id = 40", [])
        .unwrap();
    let position = tx.position().unwrap();
    tx.replace_index_blocks(space.id, "sq8", position, &mut (0..3).map(|number| vec![number; 5_000]))
        .unwrap();
    tx.commit().unwrap();
    assert_clean(&store);
}

/// All that searches can tell of a file, entries by their ids.
#[derive(Debug, PartialEq)]
struct Answers {
    words: Vec<BTreeMap<EntryId, u64>>,
    filters: Vec<BTreeSet<EntryId>>,
    links: Vec<usize>,
    vectors: BTreeMap<(EntryId, u8, u16), Vec<u32>>,
    model: Option<String>,
    /// Entries that no search by meaning finds, and that are known to be such.
    waiting: BTreeSet<EntryId>,
}

impl Answers {
    fn of(store: &SqliteStore) -> Self {
        let tx = store.read().unwrap();
        let ids = tx.ids(&tx.matching(&Filter::new().any_status()).unwrap()).unwrap();
        let texts =
            ["word7q", "note said", "and", "situation9q word11q all", "décision", "note 12", "tag3 E"];
        let words = texts.map(|text| {
            let hits = tx.search_words(&TextQuery::new(text), &Filter::new(), 400).unwrap();
            hits.iter().map(|hit| (ids[&hit.key.row], hit.score.to_bits())).collect()
        });
        let filters = [
            Filter::new().tag_all("all"),
            Filter::new().tag_all("tag1"),
            Filter::new().kind("bug"),
            Filter::new().project("shop"),
            Filter::new().any_status(),
        ];
        let filters =
            filters.map(|filter| tx.matching(&filter).unwrap().iter().map(|row| ids[row]).collect());
        let links = (1..=ENTRIES).map(|number| tx.links(id(number)).unwrap().len()).collect();
        let space = tx.active_space().unwrap();
        let mut vectors = BTreeMap::new();
        if let Some(space) = &space {
            tx.vectors::<Error>(space, 64, |batch| {
                for (key, row) in batch.keys.iter().zip(batch.rows.chunks_exact(batch.dimensions)) {
                    let bits = row.iter().map(|number| number.to_bits()).collect();
                    vectors.insert((ids[&key.entry], key.role, key.chunk), bits);
                }
                Ok(())
            })
            .unwrap();
        }
        let sql = "SELECT entry_id FROM pending UNION SELECT entry_id FROM wordless";
        let mut statement = sqlite(&*tx).prepare(sql).unwrap();
        let waiting = statement.query_map([], |row| row.get(0)).unwrap();
        let waiting = waiting.map(|row| ids[&row.unwrap()]).collect();
        Self {
            words: words.into(),
            filters: filters.into(),
            links,
            vectors,
            model: space.map(|space| space.fingerprint),
            waiting,
        }
    }

    #[track_caller]
    fn assert_as(mut self, twin: &Self, lost: Lost, what: &str) {
        assert_eq!(self.words, twin.words, "{what}: words");
        assert_eq!(self.filters, twin.filters, "{what}: filters");
        if lost != Links {
            assert_eq!(self.links, twin.links, "{what}: links");
        }
        if lost == Vectors {
            assert!(
                twin.vectors
                    .keys()
                    .all(|key| self.vectors.contains_key(key) || self.waiting.contains(&key.0))
            );
            return;
        }
        assert!(
            self.vectors == twin.vectors,
            "{what}: {} of {} vectors",
            self.vectors.len(),
            twin.vectors.len()
        );
        assert_eq!(self.waiting, twin.waiting, "{what}: waiting");
        if lost == Model {
            self.model.clone_from(&twin.model);
        }
        assert_eq!(self.model, twin.model, "{what}: model");
    }
}

/// Damages a copy of the sound file, and has it checked, repaired and salvaged.
fn run(
    folder: &Path,
    sound: &[u8],
    twin: &Answers,
    (name, sql, kind, lost): (&str, &str, ProblemKind, Lost),
) {
    let path = folder.join("damaged.db");
    std::fs::write(&path, sound).unwrap();
    let connection = vandal(&path);
    connection.execute_batch("PRAGMA writable_schema = ON").unwrap();
    connection.execute_batch(sql).unwrap_or_else(|error| panic!("{name}: {error}"));
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(connection);
    let damaged = std::fs::read(&path).unwrap();

    let store = open(&path);
    let report = store.check().unwrap();
    let kinds: BTreeSet<_> = report.problems.iter().map(|problem| format!("{:?}", problem.kind)).collect();
    assert!(kinds.contains(&format!("{kind:?}")), "{name}: expected {kind:?}, got {report:#?}");
    assert_eq!(store.check().unwrap(), report, "{name}: a check changes nothing");
    match store.repair() {
        Ok(report) => {
            let left = store.check().unwrap();
            assert!(left.is_clean(), "{name}: {report:#?} left {left:#?}");
            Answers::of(&store).assert_as(twin, lost, &format!("{name}, repaired"));
            // It can be written to as ever, by whoever has the model that is named.
            let mut tx = store.write().unwrap();
            match insert(&mut *tx, &[(id(9_999), 9_999)]) {
                Err(Error::SpaceMismatch { .. }) if lost == Model => {}
                inserted => inserted.unwrap_or_else(|error| panic!("{name}, repaired: {error}")),
            }
            tx.commit().unwrap();
            assert_clean(&store);
        }
        Err(Error::Corrupt { detail }) if detail.contains("salvage") && NOT_IN_PLACE.contains(&name) => {}
        Err(error) => panic!("{name}: {error:?}"),
    }
    drop(store);

    std::fs::write(&path, damaged).unwrap();
    let saved = folder.join("saved.db");
    SqliteStore::salvage(&path, &saved, &mut |_, _| {}, None)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let store = open(&saved);
    let left = store.check().unwrap();
    assert!(left.is_clean(), "{name}, salvaged: {left:#?}");
    Answers::of(&store).assert_as(twin, lost, &format!("{name}, salvaged"));
}

#[test]
fn every_loss_is_seen_and_mended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.db");
    sound(&path);
    let bytes = std::fs::read(&path).unwrap();
    let twin = Arc::new(Answers::of(&open(&path)));
    let mut failed = Vec::new();
    // A few at once: most of the time goes into waiting for the disk.
    for damages in DAMAGE.chunks(4) {
        let at_work: Vec<_> = damages
            .iter()
            .map(|&damage| {
                let (done, outcome) = mpsc::channel();
                let (bytes, twin) = (bytes.clone(), Arc::clone(&twin));
                thread::spawn(move || {
                    let folder = tempfile::tempdir().unwrap();
                    run(folder.path(), &bytes, &twin, damage);
                    done.send(()).unwrap();
                });
                (damage.0, outcome)
            })
            .collect();
        for (name, outcome) in at_work {
            match outcome.recv_timeout(LONGEST) {
                Ok(()) => {}
                Err(mpsc::RecvTimeoutError::Timeout) => failed.push(format!("{name}: no end")),
                Err(mpsc::RecvTimeoutError::Disconnected) => failed.push(name.to_owned()),
            }
        }
    }
    assert!(failed.is_empty(), "{} of {}: {failed:?}", failed.len(), DAMAGE.len());
}
