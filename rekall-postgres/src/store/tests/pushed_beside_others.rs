//! Tables that the server searches, while others make them anew, drop or empty them.

use std::thread;

use rekall_core::{PushedRows, Store};

use super::pushed::{fill, find, nearest, server, state, vector};
use super::{foreign, memory};

#[test]
fn a_search_that_waited_for_a_table_to_be_emptied_does_not_take_it_for_whole() {
    let Some(server) = server() else { return };
    let store = memory(server);
    let space = fill(&store, 0..50);
    store.pushed_vectors().unwrap().build_pushed(false, true, None).unwrap();
    let query = vector(7);
    let expected = nearest(&store, &space, &query, 10);
    let is_locked = |granted: &str| {
        let count = format!(
            "SELECT count(*) FROM pg_locks WHERE relation = 'pgvector_0_{}'::regclass AND {granted}",
            space.id.0
        );
        foreign(server, &store, &count).unwrap().trim() != "0"
    };
    // It holds the table until the search waits for it.
    let empty = format!(
        "SET statement_timeout TO '20s'; BEGIN; TRUNCATE pgvector_0_{0};
        DO $$ BEGIN
            WHILE NOT EXISTS (SELECT FROM pg_locks WHERE relation = 'pgvector_0_{0}'::regclass AND NOT granted) LOOP
                PERFORM pg_sleep(0.005);
            END LOOP;
        END $$;
        COMMIT",
        space.id.0
    );
    thread::scope(|threads| {
        let emptied = threads.spawn(|| foreign(server, &store, &empty).unwrap());
        while !is_locked("granted AND mode = 'AccessExclusiveLock'") {
            assert!(!emptied.is_finished(), "the table was emptied before anybody searched");
            thread::yield_now();
        }
        let (found, rows) = find(&store, &space, &query, |_| {});
        assert_eq!((found.len(), rows), (0, PushedRows::Outdated));
        emptied.join().unwrap();
    });
    assert_eq!(state(&store, &space), None);
    store.pushed_vectors().unwrap().build_pushed(false, true, None).unwrap();
    assert_eq!(find(&store, &space, &query, |_| {}).0, expected);
}

#[test]
fn those_who_make_tables_and_those_who_drop_them_wait_for_one_another() {
    let Some(server) = server() else { return };
    let store = memory(server);
    let space = fill(&store, 0..4_000);
    let pushed = store.pushed_vectors().unwrap();
    thread::scope(|threads| {
        for graph in [false, true] {
            threads
                .spawn(move || (0..4).for_each(|_| assert!(pushed.build_pushed(graph, true, None).unwrap())));
        }
        threads.spawn(move || (0..8).for_each(|_| pushed.discard_pushed().unwrap()));
    });
    assert!(pushed.build_pushed(false, true, None).unwrap());
    assert_eq!(state(&store, &space).unwrap().rows, 4_000);
    let query = vector(3_999);
    assert_eq!(find(&store, &space, &query, |_| {}).0, nearest(&store, &space, &query, 10));
}

#[test]
fn a_list_of_what_is_excluded_is_hashed_however_long_it_is() {
    use rekall_core::{PushedAsk, PushedSearch};
    let Some(server) = server() else { return };
    let store = memory(server);
    let space = fill(&store, 0..50);
    store.pushed_vectors().unwrap().build_pushed(false, true, None).unwrap();
    let (query, excluded): (_, Vec<i64>) = (vector(1), (1_000..400_000).collect());
    let position = state(&store, &space).unwrap().position;
    let search = PushedSearch {
        space: &space,
        filled_to: position,
        at: position,
        query: &query,
        ask: PushedAsk::Nearest(10),
        roles: None,
        entries: None,
        exclude: Some(&excluded),
        cancel: None,
    };
    let plan = store.plan(&search).unwrap();
    assert!(plan.contains("hashed SubPlan"), "{plan}");
}
