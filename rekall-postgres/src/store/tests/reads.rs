//! What is read costs what the memory holds, and not what the others beside it do: counted by the server, row by row.

use rekall_core::store::Scopes;
use rekall_core::{
    Draft, EntryTime, Facet, Filter, NewEntry, NewPlace, NewVector, NewestBy, ReadTx, Role, Space, Store,
    TextDigest, TextQuery, VectorKey,
};

use super::super::PostgresStore;
use super::open;
use crate::client::Mode;
use crate::testing::Server;

/// Entries of each memory that is in the way.
const OTHERS: usize = 3_000;

/// Entries of the one that is read.
const OWN: usize = 20;

/// Rows of tables and entries of indexes that an operation may read: some for each row of the memory's own, and far fewer than another one has.
const MOST: u64 = 40 * OWN as u64;

/// What the server has counted in a schema: what was read in each table one row after the other, and by each index.
const COUNTED: &str =
    "SELECT 'table ' || relname, seq_tup_read FROM pg_stat_user_tables WHERE schemaname = '{}'
    UNION ALL SELECT indexrelname, idx_tup_read FROM pg_stat_user_indexes WHERE schemaname = '{}' ORDER BY 1";

fn fill(store: &dyn Store, entries: usize) {
    let mut tx = store.write().unwrap();
    let space = tx.ensure_active_space("model", 2).unwrap();
    let now = store.now_ms();
    let written: Vec<NewEntry> = (0..entries)
        .map(|at| {
            let mut entry = NewEntry::new(format!("disk {at}"));
            entry.tags = vec!["ops".into()];
            entry.project = Some("p".into());
            entry.metadata.insert("n".into(), 1.into());
            entry.expires_at = (at % 2 == 0).then_some(now - 1);
            entry
        })
        .collect();
    let vector = |chunk, values| {
        let (role, digest) = (Role::Summary, TextDigest::unknown());
        NewVector { space: space.id, role, chunk, start: 0, end: 4, digest, values }
    };
    let vectors = [vector(0, &[1.0, 0.0]), vector(1, &[0.6, 0.8])];
    let drafts: Vec<Draft<'_>> = written
        .iter()
        .zip(0..)
        .map(|(entry, at)| if at % 4 == 0 { Draft::new(entry) } else { Draft::new(entry).vectors(&vectors) })
        .collect();
    let made = tx.insert(&drafts).unwrap();
    let source = tx.put_source("file:///a", None, TextDigest::unknown()).unwrap();
    for (made, number) in made.iter().zip(0..) {
        let (line, digest) = (None, TextDigest::unknown());
        tx.place_section(made.row, &NewPlace { source, number, path: &[], line, digest, tags: &[] }).unwrap();
    }
    tx.supersede(made[1].id, made[2].id).unwrap();
    tx.commit().unwrap();
}

/// What a program asks of a memory, each by its name.
type Operation = (&'static str, fn(&dyn ReadTx, &Space));

const OPERATIONS: &[Operation] = &[
    ("begin", |_, _| ()),
    ("active space", |tx, _| assert!(tx.active_space().unwrap().is_some())),
    ("vectors", |tx, space| {
        let mut read = 0;
        tx.each_vectors(space, 100, &mut |batch| {
            read += batch.keys.len();
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(read, OWN / 4 * 3 * 2);
    }),
    ("vectors at keys", |tx, space| {
        let key = VectorKey { entry: 2, role: Role::Summary.number(), chunk: 1 };
        assert_eq!(tx.vectors_at(space, &[key]).unwrap().keys, [key]);
        assert_eq!(tx.spans(space.id, &[key]).unwrap(), [Some((0, 4))]);
        assert_eq!(tx.vectors_of(space, &[2]).unwrap().keys.len(), 2);
    }),
    ("sample of vectors", |tx, space| {
        assert!(!tx.sample_of_entries(space.id, Role::Summary, 8).unwrap().is_empty());
        assert!(!tx.entries_of_several_passages(space.id, Role::Summary).unwrap().is_empty());
        assert!(tx.count_vectors(space.id).unwrap() > 0 && tx.has_more_vectors_than(space.id, 3).unwrap());
    }),
    ("all that is hidden", |tx, _| {
        assert_eq!((tx.obsolete().unwrap(), tx.expired().unwrap().len()), (vec![2], OWN / 2));
        assert_eq!(tx.expiries().unwrap().len(), OWN / 2);
    }),
    ("words", |tx, _| {
        let query = TextQuery::new("disk");
        assert!(tx.search_words(&query, &Filter::new(), 5).unwrap().len() >= 5);
        assert!(tx.search_words(&query, &Filter::new().project("p"), 5).unwrap().len() >= 5);
        assert!(tx.fault_of_words().unwrap().is_none());
    }),
    ("an unconditional filter", |tx, _| assert!(!tx.matching(&Filter::new()).unwrap().is_empty())),
    ("a filter of columns", |tx, _| {
        assert!(tx.count(&Filter::new().project("p").kind("note")).unwrap() > 0);
        assert!(tx.count(&Filter::new().not_project("q").created_after(1)).unwrap() > 0);
    }),
    ("a filter of tags", |tx, _| {
        assert!(tx.count(&Filter::new().tag_any("ops")).unwrap() > 0);
        assert!(tx.count(&Filter::new().tag_all("ops")).unwrap() > 0);
        assert_eq!(tx.count(&Filter::new().not_tag("ops")).unwrap(), 0);
    }),
    ("a filter of sources", |tx, _| {
        assert!(tx.count(&Filter::new().source("file:///a")).unwrap() > 0);
        assert!(tx.count(&Filter::new().source("file:")).unwrap() > 0);
    }),
    ("a filter of metadata", |tx, _| assert!(tx.count(&Filter::new().metadata("n", 1)).unwrap() > 0)),
    ("names", |tx, _| {
        for facet in [Facet::Tag, Facet::Project, Facet::Kind, Facet::MemoryType] {
            assert_eq!(tx.facets(facet, &Filter::new(), 5).unwrap().len(), 1, "{facet:?}");
        }
    }),
    ("pages", |tx, _| {
        let page = tx.list(&Filter::new(), None, 5).unwrap();
        assert_eq!(tx.list(&Filter::new(), Some(page[4].id), 3).unwrap().len(), 3);
        assert_eq!(tx.list_newest(&Filter::new(), NewestBy::Created, None, 5).unwrap().entries.len(), 5);
        assert_eq!(tx.entries_after(3, 5).unwrap().len(), 5);
        assert_eq!(tx.all_ids().unwrap().len(), OWN);
    }),
    ("hits", |tx, _| {
        let rows = [3, 5, 7];
        let ids: Vec<_> = tx.entries(&rows).unwrap().into_iter().map(|(_, entry)| entry.id).collect();
        assert!(tx.get_many(&ids).unwrap().iter().all(Option::is_some));
        assert_eq!(tx.first_by_id(&rows, 1).unwrap(), [3]);
        assert_eq!(tx.times(EntryTime::LastUsed, &rows).unwrap().len(), 3);
        assert!(tx.links(ids[0]).unwrap().is_empty() && tx.usage(&ids).unwrap()[0].is_none());
        assert!(tx.obsolete_among(&rows).unwrap().is_empty());
        assert_eq!(tx.expiries_among(&rows).unwrap().len(), 3);
    }),
    ("who waits", |tx, space| {
        assert_eq!(tx.pending(space.id, 0, 100).unwrap().len(), OWN / 4);
        assert_eq!((tx.count_pending().unwrap(), tx.is_pending(1).unwrap()), (OWN as u64 / 4, true));
    }),
    ("sources", |tx, _| {
        let sources = tx.sources("").unwrap();
        assert_eq!(tx.sections(sources[0].number).unwrap().len(), OWN);
        assert!(tx.source("file:///a").unwrap().is_some() && tx.orphaned_sections("").unwrap().is_empty());
        assert_eq!(tx.count_sections("file:///b").unwrap(), 0);
    }),
    ("changes", |tx, _| {
        let now = tx.position().unwrap();
        let before = rekall_core::LogPosition::new(now.incarnation(), now.number() - 3);
        tx.changes_since(before).unwrap();
        tx.newest_change(3).unwrap();
    }),
    ("figures", |tx, _| {
        let stats = tx.stats().unwrap();
        assert_eq!((stats.entries, stats.vectors), (OWN as u64, OWN as u64 / 4 * 6));
        assert_eq!(tx.count_entries().unwrap(), OWN as u64);
    }),
];

/// Runs something on the one connection of the store; gives where more was read than may be.
fn read_too_much(server: &Server, store: &PostgresStore, work: &dyn Fn()) -> Vec<(String, u64)> {
    let counted = || {
        // Told at the end of the transaction, so the answer to the next one comes after that.
        for sql in ["SELECT pg_stat_force_next_flush()", "SELECT 1"] {
            drop(store.client.begin(Mode::Read, &[(sql, &[])], None).unwrap());
        }
        let lines = server.psql("rekall", &COUNTED.replace("{}", &store.client.address().schema)).unwrap();
        let line = |line: &str| {
            let (name, rows) = line.split_once('|').unwrap();
            (name.to_owned(), rows.parse::<u64>().unwrap_or_default())
        };
        lines.lines().map(line).collect::<Vec<_>>()
    };
    let before = counted();
    work();
    let read = counted().into_iter().zip(before).map(|((name, after), (_, before))| (name, after - before));
    read.filter(|(_, rows)| *rows > MOST).collect()
}

/// The planner has to know how much there is, and no row may be left that is dead: it looks at the ends of indexes, too.
fn vacuum(server: &Server, store: &PostgresStore) {
    let schema = &store.client.address().schema;
    let tables =
        format!("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = '{schema}'");
    let tables = server.psql("rekall", &tables).unwrap();
    server
        .psql("rekall", &format!("VACUUM (ANALYZE) {}", tables.lines().collect::<Vec<_>>().join(", ")))
        .unwrap();
}

/// The memory whose rows are counted: a scope between others, or the one without a name beside them.
fn reads_its_own_rows_alone(server: &Server, url: &str, is_scope: bool) {
    let store = open(url);
    let scope = |name: &str| Scopes::open(&store, &name.parse().unwrap()).unwrap();
    let (first, second, third) = (scope("a"), scope("b"), scope("c"));
    fill(&*first, OTHERS);
    let (own, large): (&dyn Store, &dyn Store) =
        if is_scope { (&*second, &store) } else { (&store, &*second) };
    fill(own, OWN);
    fill(large, OTHERS);
    fill(&*third, OTHERS);
    vacuum(server, &store);
    let space = own.read().unwrap().active_space().unwrap().unwrap();
    let mut too_much = Vec::new();
    for (name, operation) in OPERATIONS {
        let more = read_too_much(server, &store, &|| operation(&*own.read().unwrap(), &space));
        too_much.extend(more.into_iter().map(|more| (*name, more)));
    }
    let more = read_too_much(server, &store, &|| {
        let mut tx = own.write().unwrap();
        let made = tx.insert(&[Draft::new(&NewEntry::new("one more"))]).unwrap();
        tx.set_vectors(made[0].row, space.id, &[], &[]).unwrap();
        tx.delete(made[0].id).unwrap();
        tx.settle_pending(space.id).unwrap();
        tx.drop_index_blocks_of_kind("sq8").unwrap();
        tx.commit().unwrap();
    });
    too_much.extend(more.into_iter().map(|more| ("writing", more)));
    assert!(too_much.is_empty(), "{url}, is a scope: {is_scope}: {too_much:#?}");
    // The measure is one: who asks a large memory reads more.
    let more =
        read_too_much(server, &store, &|| drop(large.read().unwrap().matching(&Filter::new()).unwrap()));
    assert!(!more.is_empty());
}

#[test]
fn a_memory_beside_large_ones_reads_its_own_rows_alone() {
    // A server of its own: a view that another test has open would keep dead rows.
    let Some(server) = Server::start() else { return };
    for url in [Server::memory_url, Server::memory_url_of_user] {
        for is_scope in [true, false] {
            reads_its_own_rows_alone(&server, &url(&server), is_scope);
        }
    }
}
