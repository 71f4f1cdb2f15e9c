//! How far statements walk: in a scope no farther than the scope, and without scopes as before there were any.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::{Connection, StatementStatus};

use super::{SqliteStore, SqliteWriteTx};
use crate::lock::lock;
use crate::store::{
    Draft, EntryTime, Facet, ListEntries, MatchEntries, NewestBy, ReadBlocks, ReadChanges, ReadEntries,
    ReadExpiry, ReadFacets, ReadLinks, ReadPending, ReadSources, ReadSpaces, ReadStats, ReadTimes, ReadUsage,
    ReadVectors, SearchWords, Store, WriteTx,
};
use crate::testing::open_scope;
use crate::{
    EntryId, EntryPatch, Filter, NewEntry, NewPlace, NewVector, Relation, Role, StoreOptions, TextDigest,
    TextQuery,
};

fn id(number: u64) -> EntryId {
    format!("{number:026}").parse().unwrap()
}

fn fill(store: &dyn Store, count: u64) {
    let mut tx = store.write().unwrap();
    let space = tx.ensure_active_space("model", 2).unwrap().id;
    let now = tx_time(store);
    let source = tx.put_source("file:///notes", None, TextDigest::unknown()).unwrap();
    for number in 1..=count {
        let note = NewEntry::new(format!("note {number}"))
            .tags(["all"])
            .kind("bug")
            .project("shop")
            .expires_at(if number % 2 == 0 { now + 1_000_000 } else { now - 1 })
            .valid_from(now - 5)
            .valid_to(now + 5_000);
        let values = [1.0, 0.0];
        let digest = TextDigest::unknown();
        let vector =
            NewVector { space, role: Role::Summary, chunk: 0, start: 0, end: 4, digest, values: &values };
        let row = tx.insert(&[Draft::new(&note).id(id(number)).vectors(&[vector])]).unwrap()[0].row;
        let place = NewPlace { source, number: number as i64, path: &[], line: None, digest, tags: &[] };
        tx.place_section(row, &place).unwrap();
        if number % 3 == 0 {
            tx.mark_pending(row).unwrap();
            tx.update(id(number), &EntryPatch::new().status(crate::Status::Obsolete)).unwrap();
        }
        if number > 1 {
            tx.link(id(number), id(number - 1), &Relation::from("related"), None).unwrap();
        }
    }
    tx.commit().unwrap();
}

fn tx_time(store: &dyn Store) -> i64 {
    store.now_ms()
}

/// The statements of a transaction that ran since, with the steps that all runs of each took.
type Seen = Arc<Mutex<BTreeMap<String, i32>>>;

fn watched(tx: &mut SqliteWriteTx<'_>) -> Seen {
    // What statements took before counts, too, as long as they are kept.
    tx.connection.flush_prepared_statement_cache();
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    let note = move |event: TraceEvent<'_>| {
        if let TraceEvent::Profile(statement, _) = event {
            let steps = statement.get_status(StatementStatus::VmStep);
            let mut noted = lock(&noted);
            let most = noted.entry(statement.sql().into_owned()).or_default();
            *most = (*most).max(steps);
        }
    };
    tx.connection.trace_v2(TraceEventCodes::SQLITE_TRACE_PROFILE, Some(note)).unwrap();
    seen
}

/// Everything that a search or a host reads, and what writes besides a row.
fn read_everything(tx: &mut SqliteWriteTx<'_>, before: crate::LogPosition) {
    let filters = [
        Filter::new(),
        Filter::new().any_status().include_expired(),
        Filter::new().kind("bug").project("shop").as_of(tx.now_ms()),
        Filter::new().tag_any("all").not_tag("other"),
        Filter::new().tag_all("all").tag_all("all"),
        Filter::new().source("file:///notes"),
        Filter::new().source(""),
        Filter::new().ids([id(1), id(2)]),
        Filter::new().created_after(1).updated_after(1),
        Filter::new().tag_any("all").kind("bug").project("shop").source("file:///notes"),
        Filter::new().status(crate::Status::Obsolete).kind("bug"),
    ];
    for filter in &filters {
        tx.matching(filter).unwrap();
        tx.count(filter).unwrap();
        tx.list(filter, None, 5).unwrap();
        tx.list(filter, Some(id(2)), 5).unwrap();
        let page = tx.list_newest(filter, NewestBy::Updated, None, 5).unwrap();
        tx.list_newest(filter, NewestBy::Created, page.next, 5).unwrap();
        for facet in [Facet::Tag, Facet::Kind, Facet::Project, Facet::MemoryType] {
            tx.facets(facet, filter, 9).unwrap();
        }
        tx.search_words(&TextQuery::new("note 2"), filter, 9).unwrap();
    }
    let space = tx.active_space().unwrap().unwrap();
    let rows: Vec<i64> = tx.all_ids().unwrap().into_iter().map(|(row, _)| row).collect();
    tx.entries(&rows).unwrap();
    tx.entries_after(0, 9).unwrap();
    tx.first_by_id(&rows, 5).unwrap();
    tx.ids(&rows).unwrap();
    tx.times(EntryTime::LastUsed, &rows).unwrap();
    tx.usage(&[id(1)]).unwrap();
    tx.links(id(2)).unwrap();
    tx.neighbors(id(2), 3).unwrap();
    tx.changes_since(before).unwrap();
    tx.newest_change(rows[0]).unwrap();
    tx.expiries().unwrap();
    tx.expired().unwrap();
    tx.expiries_among(&rows).unwrap();
    tx.obsolete().unwrap();
    tx.obsolete_among(&rows).unwrap();
    tx.count_entries().unwrap();
    tx.count_pending().unwrap();
    tx.pending(space.id, 0, 99).unwrap();
    tx.without_vectors(space.id, 0, 99).unwrap();
    tx.spaces().unwrap();
    tx.space(space.id).unwrap();
    tx.each_vectors(&space, 9, &mut |_| ControlFlow::Continue(())).unwrap();
    tx.vectors_of(&space, &rows).unwrap();
    tx.sample_of_entries(space.id, Role::Summary, 5).unwrap();
    tx.entries_of_several_passages(space.id, Role::Summary).unwrap();
    tx.count_vectors(space.id).unwrap();
    tx.has_more_vectors_than(space.id, 5).unwrap();
    tx.sources("").unwrap();
    tx.sources("file:///").unwrap();
    let source = tx.source("file:///notes").unwrap().unwrap();
    tx.sections(source.number).unwrap();
    tx.orphaned_sections("").unwrap();
    tx.abandoned_sections("", std::time::Duration::ZERO).unwrap();
    tx.count_sections("").unwrap();
    tx.section_of(rows[0]).unwrap();
    tx.index_position(space.id, "sq8").unwrap();
    tx.stats().unwrap();
    tx.fault_of_words().unwrap();
    tx.fault_of_tags().unwrap();
    tx.next_id().unwrap();
}

/// Of all runs of a statement together. A walk over the other entries takes more at once.
const MOST_STEPS: i32 = 20_000;

/// Twenty entries among six thousand that look alike: no statement takes more steps than so few justify.
#[test]
fn no_statement_in_a_scope_walks_over_other_memories() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("a.db"), &StoreOptions::default()).unwrap();
    let before = open_scope(&store, "before");
    drop(open_scope(&store, "tested"));
    let position = store.read().unwrap().position().unwrap();
    let after = open_scope(&store, "after");
    for other in [&store as &dyn Store, &*before, &*after] {
        fill(other, 2_000);
    }
    fill(&*open_scope(&store, "tested"), 20);
    let memories = store.memories().unwrap();
    let tested =
        memories.iter().find(|memory| memory.scope().is_some_and(|name| name.as_str() == "tested")).unwrap();
    let mut tx = tested.begin_write().unwrap();
    let seen = watched(&mut tx);
    read_everything(&mut tx, position);
    let mut statements = std::mem::take(&mut *lock(&seen));
    assert!(statements.len() > 60, "{}", statements.len());
    statements.retain(|_, steps| *steps > MOST_STEPS);
    assert!(statements.is_empty(), "{statements:#?}");
    // What a commit looks at.
    Box::new(tx).commit().unwrap();
    let mut statements = std::mem::take(&mut *lock(&seen));
    statements.retain(|_, steps| *steps > MOST_STEPS);
    assert!(statements.is_empty(), "{statements:#?}");
}

fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let mut rows = statement.raw_query();
    let mut plan = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        plan.push(row.get(3).unwrap());
    }
    plan
}

/// What searches of a memory without scopes run, and how SQLite goes about it.
#[test]
fn without_scopes_statements_go_the_way_that_they_went_before() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("a.db"), &StoreOptions::default()).unwrap();
    let position = store.read().unwrap().position().unwrap();
    fill(&store, 50);
    let mut tx = store.begin_write().unwrap();
    let seen = watched(&mut tx);
    read_everything(&mut tx, position);
    let statements = std::mem::take(&mut *lock(&seen));
    assert!(
        statements.keys().all(|sql| !sql.contains(">> 32") || sql.contains("FROM space")),
        "{statements:#?}"
    );
    assert!(
        statements.keys().all(|sql| !sql.contains("BETWEEN") && !sql.contains("id >= 0")),
        "{statements:#?}"
    );
    for (sql, expected) in [
        ("SELECT count(*) FROM entry", "SCAN entry USING COVERING INDEX"),
        (
            "SELECT entry.id FROM entry WHERE 1 AND entry.status = 'active' AND entry.id NOT IN (SELECT other.id FROM entry AS other WHERE other.expires_at <= ?)",
            "SCAN entry USING COVERING INDEX entry_facets",
        ),
        ("SELECT id FROM entry WHERE status <> 'active' ORDER BY id", "USING INDEX entry_obsolete"),
        (
            "SELECT id FROM entry WHERE expires_at <= ?1 AND 1 ORDER BY +id",
            "SEARCH entry USING COVERING INDEX entry_expires (expires_at<?)",
        ),
        (
            "SELECT entry_id FROM change WHERE seq > ?1 ORDER BY seq",
            "SEARCH change USING INTEGER PRIMARY KEY (rowid>?)",
        ),
        (
            "SELECT id, fingerprint, dimensions, state FROM space WHERE state = 'active' AND min(space.id >> 32, 0) = 0",
            "SEARCH space USING INDEX space_active (<expr>=?)",
        ),
        (
            "SELECT id, oldest, newest, passages, pages FROM word_segment WHERE state = ?1 ORDER BY newest, id",
            "SCAN word_segment",
        ),
    ] {
        assert!(statements.contains_key(sql), "{sql} is not among {:#?}", statements.keys());
        let plan = plan(&tx.connection, sql);
        assert!(
            plan.iter().any(|step| step.starts_with(expected) || step.ends_with(expected)),
            "{sql}: {plan:?}"
        );
    }
}
