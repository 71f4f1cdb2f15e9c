//! Tables that the server searches itself: filled, followed, searched, dropped, and by nobody but those who may.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rekall_core::{
    Draft, Error, ErrorKind, NewEntry, NewVector, PushedAsk, PushedRows, PushedSearch, PushedState, Role,
    Space, SpaceState, Store, TextDigest, WriteTx,
};

use super::{foreign, memory, open};
use crate::testing::Server;

const DIMENSIONS: usize = 24;

/// A server with pgvector.
pub(super) fn server() -> Option<&'static Server> {
    let server = Server::shared()?;
    server.create_extension("vector");
    Some(server)
}

/// A unit vector that depends on a number alone.
pub(super) fn vector(number: u64) -> Vec<f32> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let row: Vec<f64> = (0..DIMENSIONS)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect();
    let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
    row.iter().map(|x| (x / norm) as f32).collect()
}

fn add(tx: &mut dyn WriteTx, space: &Space, number: u64) -> i64 {
    let row = tx.insert(&[Draft::new(&NewEntry::new(format!("note {number}")))]).unwrap()[0].row;
    let values = vector(number);
    let digest = TextDigest::unknown();
    let new = NewVector {
        space: space.id,
        role: Role::Summary,
        chunk: 0,
        start: 0,
        end: 0,
        digest,
        values: &values,
    };
    tx.insert_vectors(row, &[new]).unwrap();
    row
}

/// Adds entries in one transaction.
pub(super) fn fill(store: &dyn Store, numbers: std::ops::Range<u64>) -> Space {
    let mut tx = store.write().unwrap();
    let space = tx.ensure_active_space("test", DIMENSIONS).unwrap();
    for number in numbers {
        add(&mut *tx, &space, number);
    }
    tx.commit().unwrap();
    space
}

pub(super) fn state(store: &dyn Store, space: &Space) -> Option<PushedState> {
    PushedState::read(&*store.read().unwrap(), space.id).unwrap()
}

fn follow(store: &dyn Store, space: &Space) -> bool {
    let filled_to = state(store, space).unwrap().position;
    store.pushed_vectors().unwrap().follow_pushed(space, filled_to).unwrap()
}

/// The rows found with their exact products, and what the search says.
pub(super) fn find<'a>(
    store: &dyn Store,
    space: &'a Space,
    query: &'a [f32],
    change: impl FnOnce(&mut PushedSearch<'a>),
) -> (BTreeMap<i64, f64>, PushedRows) {
    let tx = store.read().unwrap();
    let filled_to = PushedState::read(&*tx, space.id).unwrap().unwrap().position;
    let mut search = PushedSearch {
        space,
        filled_to,
        at: tx.position().unwrap(),
        query,
        ask: PushedAsk::Nearest(10),
        roles: None,
        entries: None,
        exclude: None,
        cancel: None,
    };
    change(&mut search);
    let mut found = BTreeMap::new();
    let rows = store.pushed_vectors().unwrap().search_pushed(&search, &mut |batch| {
        assert!(batch.unusable.is_empty());
        for (key, row) in batch.keys.iter().zip(batch.rows.chunks(DIMENSIONS)) {
            found.insert(key.entry, product(query, row));
        }
        ControlFlow::Continue(())
    });
    (found, rows.unwrap())
}

fn product(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
}

/// The same from all vectors of the space.
pub(super) fn nearest(store: &dyn Store, space: &Space, query: &[f32], count: usize) -> BTreeMap<i64, f64> {
    let mut all = Vec::new();
    let tx = store.read().unwrap();
    tx.vectors(space, 100, |batch| {
        for (key, row) in batch.keys.iter().zip(batch.rows.chunks(DIMENSIONS)) {
            all.push((key.entry, product(query, row)));
        }
        Ok::<(), Error>(())
    })
    .unwrap();
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    all.truncate(count);
    all.into_iter().collect()
}

#[test]
fn a_table_has_what_the_rows_have_and_follows_them() {
    let Some(server) = server() else { return };
    let store = memory(server);
    let pushed = store.pushed_vectors().unwrap();
    pushed.expect_pushed(Some(DIMENSIONS), true).unwrap();
    assert!(!pushed.build_pushed(false, true, None).unwrap(), "there is no space yet");
    let space = fill(&store, 0..3_000);
    assert_eq!(state(&store, &space), None);
    for graph in [false, true] {
        assert!(pushed.build_pushed(graph, true, None).unwrap());
        let position = store.read().unwrap().position().unwrap();
        assert_eq!(state(&store, &space), Some(PushedState { position, rows: 3_000, graph }));
    }
    let query = vector(99_999);
    let (found, said) = find(&store, &space, &query, |_| {});
    assert_eq!(found, nearest(&store, &space, &query, 10));
    let PushedRows::Found { rows: 10, least } = said else { panic!("{said:?}") };
    let exact = found.values().copied().fold(f64::INFINITY, f64::min);
    assert!((least - exact).abs() < 1e-3 && least != exact, "{least} in half precision, {exact} exactly");

    // Changes of all kinds, by other programs, too.
    fill(&store, 3_000..3_010);
    let gone: Vec<i64> = nearest(&store, &space, &query, 3).into_keys().collect();
    foreign(server, &store, &format!("DELETE FROM entry WHERE id = {}", gone[0])).unwrap();
    foreign(server, &store, &format!("UPDATE embedding SET vector = (SELECT vector FROM embedding WHERE entry_id = 7) WHERE entry_id = {}", gone[1]))
        .unwrap();
    let (_, said) = find(&store, &space, &query, |search| search.at = search.filled_to);
    assert_eq!(said, PushedRows::Outdated, "an entry that would be found has changed");
    assert!(follow(&store, &space));
    assert_eq!(state(&store, &space).unwrap().rows, 3_009);
    assert_eq!(find(&store, &space, &query, |_| {}).0, nearest(&store, &space, &query, 10));

    // All that are near enough, of some entries, without others.
    let all = nearest(&store, &space, &query, usize::MAX);
    let (within, _) = find(&store, &space, &query, |search| search.ask = PushedAsk::Within(0.3));
    let near = |border: f64| all.iter().filter(|(_, product)| **product >= border).count();
    assert!((near(0.302)..=near(0.298)).contains(&within.len()), "{} in all", within.len());
    let few: Vec<i64> = all.keys().copied().step_by(100).collect();
    let (among, _) = find(&store, &space, &query, |search| search.entries = Some(&few));
    assert!(among.len() == 10 && among.keys().all(|entry| few.contains(entry)));
    let (without, _) = find(&store, &space, &query, |search| search.exclude = Some(&few));
    assert!(without.len() == 10 && without.keys().all(|entry| !few.contains(entry)));
    let (none, said) = find(&store, &space, &query, |search| search.roles = Some(&[1]));
    assert!(none.is_empty() && said == PushedRows::Found { rows: 0, least: f64::INFINITY });
}

#[test]
fn a_graph_finds_nearly_all_and_as_many_as_it_is_asked_for() {
    let Some(server) = server() else { return };
    let store = memory(server);
    let space = fill(&store, 0..5_000);
    store.pushed_vectors().unwrap().build_pushed(true, true, None).unwrap();
    let (mut right, mut wanted) = (0, 0);
    let even: Vec<i64> = nearest(&store, &space, &vector(1), usize::MAX).into_keys().step_by(2).collect();
    for query in 100_000..100_020 {
        let query = vector(query);
        let by_graph = PushedAsk::NearestByGraph(40);
        let (found, said) = find(&store, &space, &query, |search| search.ask = by_graph);
        assert!(matches!(said, PushedRows::Found { rows: 40, .. }), "{said:?}");
        let exact = nearest(&store, &space, &query, 10);
        right += exact.keys().filter(|entry| found.contains_key(entry)).count();
        wanted += exact.len();
        let (found, said) = find(&store, &space, &query, |search| {
            search.ask = by_graph;
            search.entries = Some(&even);
        });
        assert!(matches!(said, PushedRows::Found { rows: 40, .. }), "{said:?}");
        assert!(found.keys().all(|entry| even.binary_search(entry).is_ok()));
    }
    assert!(right * 100 >= wanted * 95, "{right} of {wanted}");
    // And it is the graph that found them, with a filter, too; without being asked it takes no part.
    let query = vector(1);
    let plan = |ask, entries| {
        let position = state(&store, &space).unwrap().position;
        let (filled_to, at, query) = (position, position, &*query);
        let (roles, exclude, cancel) = (None, Some(&[1, 2][..]), None);
        let search =
            PushedSearch { space: &space, filled_to, at, query, ask, roles, entries, exclude, cancel };
        store.plan(&search).unwrap()
    };
    let by_graph = format!("Index Scan using pgvector_0_{}_v_idx", space.id.0);
    for entries in [None, Some(&*even)] {
        let asked = plan(PushedAsk::NearestByGraph(40), entries);
        assert!(asked.contains(&by_graph), "{asked}");
        let exact = plan(PushedAsk::Nearest(40), entries);
        assert!(!exact.contains(&by_graph), "{exact}");
    }
}

#[test]
fn whoever_changes_a_table_takes_its_block_away() {
    let Some(server) = server() else { return };
    let store = memory(server);
    let pushed = store.pushed_vectors().unwrap();
    let space = fill(&store, 0..50);
    let table = format!("pgvector_0_{}", space.id.0);
    for change in
        ["DELETE FROM {} WHERE entry_id = 3", "TRUNCATE {}", "UPDATE {} SET chunk = 9 WHERE entry_id = 4"]
    {
        assert!(pushed.build_pushed(false, true, None).unwrap());
        let filled_to = state(&store, &space).unwrap().position;
        foreign(server, &store, &change.replace("{}", &table)).unwrap();
        assert_eq!(state(&store, &space), None, "{change}");
        assert!(!pushed.follow_pushed(&space, filled_to).unwrap());
    }
    assert!(pushed.build_pushed(false, true, None).unwrap());
    foreign(server, &store, &format!("DROP TABLE {table}")).unwrap();
    assert_eq!(find(&store, &space, &vector(1), |_| {}).1, PushedRows::Missing);
    assert!(pushed.build_pushed(false, true, None).unwrap());
    assert_eq!(find(&store, &space, &vector(1), |_| {}).0, nearest(&store, &space, &vector(1), 10));
}

#[test]
fn a_table_goes_with_its_space() {
    let Some(server) = server() else { return };
    let store = memory(server);
    let tables = || {
        let count =
            "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename ~ '^pgvector_'";
        foreign(server, &store, count).unwrap().trim().parse::<u64>().unwrap()
    };
    let pushed = store.pushed_vectors().unwrap();
    let space = fill(&store, 0..20);
    pushed.build_pushed(true, true, None).unwrap();
    let mut tx = store.write().unwrap();
    let newer = tx.add_space("other", 3, SpaceState::Building).unwrap();
    tx.activate_space(newer.id).unwrap();
    tx.commit().unwrap();
    assert_eq!(state(&store, &newer), None);
    assert_eq!(tables(), 1, "searches of the old space may be under way");
    let mut tx = store.write().unwrap();
    while tx.thin_space(space.id, 7).unwrap() {}
    tx.commit().unwrap();
    assert_eq!(tables(), 0);
    pushed.build_pushed(true, true, None).unwrap();
    assert_eq!(tables(), 1);
    pushed.discard_pushed().unwrap();
    assert_eq!(tables(), 0);
}

#[test]
fn scopes_have_tables_of_their_own_behind_walls_of_their_own() {
    let Some(server) = server() else { return };
    let store = open(&server.memory_url_of_user());
    let unnamed = fill(&store, 0..30);
    store.pushed_vectors().unwrap().build_pushed(false, true, None).unwrap();
    let scope = |name: &str| store.scopes().unwrap().open(&name.parse().unwrap()).unwrap();
    let (ann, bob) = (scope("ann"), scope("bob"));
    let (of_ann, of_bob) = (fill(&*ann, 100..140), fill(&*bob, 200..250));
    for handle in [&ann, &bob] {
        assert!(handle.pushed_vectors().unwrap().build_pushed(true, true, None).unwrap());
    }
    assert_eq!(state(&*ann, &of_ann).unwrap().rows, 40);
    let query = vector(5);
    for (handle, space) in [(&store as &dyn Store, &unnamed), (&*ann, &of_ann), (&*bob, &of_bob)] {
        for ask in [PushedAsk::Nearest(500), PushedAsk::NearestByGraph(500)] {
            let (found, _) = find(handle, space, &query, |search| search.ask = ask);
            assert_eq!(found, nearest(handle, space, &query, usize::MAX), "{ask:?}");
        }
    }
    // As the tables' owner, who is bound to a scope or to none.
    let seen = |of: u32, table: &str| {
        let sql = format!("SET ROLE tenant; SET rekall.scope = {of}; SELECT count(*) FROM {table}");
        foreign(server, &store, &sql).unwrap().trim().parse::<u64>().unwrap()
    };
    assert_eq!(seen(0, "pgvector_0_1"), 30);
    assert_eq!((seen(1, "pgvector_1_1"), seen(2, "pgvector_2_1")), (40, 50));
    for (of, table) in [(0, "pgvector_1_1"), (1, "pgvector_0_1"), (2, "pgvector_1_1")] {
        assert_eq!(seen(of, table), 0, "{table} in scope {of}");
    }
    // TRUNCATE asks no policy.
    foreign(server, &store, "SET ROLE tenant; TRUNCATE pgvector_1_1").unwrap();
    assert_eq!(state(&*ann, &of_ann), None);
    assert!(state(&*bob, &of_bob).is_some());
    store.scopes().unwrap().remove(&"bob".parse().unwrap()).unwrap();
    let left = "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables
        WHERE schemaname = current_schema() AND tablename ~ '^pgvector_'";
    assert_eq!(foreign(server, &store, left).unwrap().trim(), "pgvector_0_1 pgvector_1_1");
}

#[test]
fn who_may_read_vectors_may_read_those_pushed_and_no_more() {
    let Some(server) = server() else { return };
    let store = memory(server);
    let space = fill(&store, 0..20);
    let schema = &store.client.address().schema;
    let role = format!("reader_of_{schema}");
    let granted = format!(
        "CREATE ROLE {role}; GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}"
    );
    server.psql("rekall", &granted).unwrap();
    store.pushed_vectors().unwrap().build_pushed(false, true, None).unwrap();
    let table = format!("pgvector_0_{}", space.id.0);
    let read = foreign(server, &store, &format!("SET ROLE {role}; SELECT count(*) FROM {table}")).unwrap();
    assert_eq!(read.trim(), "20");
    foreign(server, &store, &format!("SET ROLE {role}; DELETE FROM {table}")).unwrap_err();
}

#[test]
fn what_the_server_cannot_do_is_refused_by_name() {
    let Some(server) = server() else { return };
    server.psql("postgres", "CREATE DATABASE bare TEMPLATE template0").unwrap();
    let store = open(&server.url("bare"));
    let pushed = store.pushed_vectors().unwrap();
    let error = pushed.expect_pushed(None, false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let message = error.to_string();
    assert!(
        message.contains("expected the extension vector, 0.8.4 or newer, got none: CREATE EXTENSION"),
        "{message}"
    );
    server
        .psql("bare", "CREATE SCHEMA \"other \"\"place\"; CREATE EXTENSION vector SCHEMA \"other \"\"place\"")
        .unwrap();
    pushed.expect_pushed(Some(16_000), false).unwrap();
    // In whatever schema it is.
    let space = fill(&store, 0..12);
    assert!(pushed.build_pushed(true, true, None).unwrap());
    assert_eq!(find(&store, &space, &vector(3), |_| {}).0, nearest(&store, &space, &vector(3), 10));
    for (dimensions, graph, expected) in [(4_001, true, "at most 4000"), (16_001, false, "at most 16000")] {
        let error = pushed.expect_pushed(Some(dimensions), graph).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains(expected), "{error}");
    }
    // It is dropped while it is in use.
    server.psql("bare", "DROP EXTENSION vector CASCADE").unwrap();
    assert_eq!(find(&store, &space, &vector(3), |_| {}).1, PushedRows::Missing);
    assert_eq!(pushed.build_pushed(true, true, None).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn a_table_is_made_by_one_at_a_time_and_can_be_stopped() {
    let Some(server) = server() else { return };
    let store = memory(server);
    let space = fill(&store, 0..3_000);
    let pushed = store.pushed_vectors().unwrap();
    let stopped = Arc::new(AtomicBool::new(true));
    let error = pushed.build_pushed(true, true, Some(&stopped)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert_eq!(state(&store, &space), None);
    let search = AtomicBool::new(true);
    pushed.build_pushed(false, true, None).unwrap();
    let query = vector(1);
    let asked = PushedSearch {
        space: &space,
        filled_to: state(&store, &space).unwrap().position,
        at: state(&store, &space).unwrap().position,
        query: &query,
        ask: PushedAsk::Nearest(3),
        roles: None,
        entries: None,
        exclude: None,
        cancel: Some(&search),
    };
    let found = pushed.search_pushed(&asked, &mut |_| ControlFlow::Continue(()));
    assert_eq!(found.unwrap_err().kind(), ErrorKind::Interrupted);
    // Several at once: all that end well leave one whole table, and entries that come meanwhile are in it.
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| pushed.build_pushed(false, true, None).unwrap());
        }
        for number in 10_000..10_020 {
            fill(&store, number..number + 1);
        }
    });
    assert!(follow(&store, &space));
    assert_eq!(state(&store, &space).unwrap().rows, 3_020);
    let query = vector(10_019);
    assert_eq!(find(&store, &space, &query, |_| {}).0, nearest(&store, &space, &query, 10));
}
