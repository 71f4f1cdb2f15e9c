//! How often a search goes to a server and back: over a network that is most of its time. A round trip more than here is a regression,
//! and one less a number to be lowered.

use std::time::Duration;

use crate::common::engine::{Engine, Memory};
use rekall::{Filter, Mode, NewEntry, Recency, Rekall, VectorBackend};
use rekall_postgres::testing::{Server, trips};

/// More than wait for a segment of the word index.
const ENTRIES: usize = 400;

const DIMENSIONS: usize = 8;

/// What a search by meaning takes where nothing has changed since the last one: the view, exact rows where the index has codes, and the
/// entries of the hits, together.
const BY_MEANING: u64 = 1;
/// What one takes that has to see the view first: the view, and the hits' entries with the spans of their passages.
const VIEW_FIRST: u64 = 2;
/// What reading exact rows takes beside it, for an index of codes.
const EXACT_ROWS: u64 = 1;

fn vector(number: usize) -> Vec<f32> {
    let angle = number as f32 * 0.01;
    let mut vector = vec![0.0; DIMENSIONS];
    (vector[0], vector[number % (DIMENSIONS - 1) + 1]) = (angle.cos(), angle.sin());
    vector
}

fn remember(rekall: &Rekall) {
    // Texts of different lengths, so that few hits score alike.
    let text = |number: usize| format!("{} disk {number}", "page ".repeat(number % 37));
    let entries: Vec<NewEntry> = (0..ENTRIES)
        .map(|number| {
            let kind = if number % 2 == 0 { "even" } else { "odd" };
            NewEntry::new(format!("note {number}")).content(text(number)).kind(kind)
        })
        .collect();
    let vectors: Vec<f32> = (0..ENTRIES).flat_map(vector).collect();
    rekall.remember_many(&entries).vectors(&vectors).run().unwrap();
}

fn memory(server: &'static Server, backend: VectorBackend) -> Memory {
    let engine = Engine::Server(server);
    let memory = engine.memory_with(|builder| builder.vectors_of("host", DIMENSIONS).vector_backend(backend));
    remember(&memory);
    memory
}

/// The trips of a search that is not the first of its kind.
fn of_search(rekall: &Rekall, mode: Mode, text: &str, filter: &Filter) -> u64 {
    let mut taken = 0;
    for number in [3, 4, 5] {
        let query = vector(number);
        let mut search = rekall.recall(text).mode(mode).limit(5).filter(filter.clone());
        if mode != Mode::Text {
            search = search.vector(&query);
        }
        let before = trips();
        let found = search.run().unwrap();
        taken = trips() - before;
        assert_eq!((found.len(), found.degraded.len()), (5, 0), "{mode:?} {:?}", found.degraded);
    }
    taken
}

fn by_meaning(rekall: &Rekall) -> u64 {
    of_search(rekall, Mode::Semantic, "disk", &Filter::new())
}

#[test]
fn a_search_by_meaning_takes_a_view_with_its_rows_and_its_hits() {
    let Some(server) = Server::shared() else { return };
    for (backend, rows) in [(VectorBackend::Flat, 0), (VectorBackend::Sq8, EXACT_ROWS)] {
        let memory = memory(server, backend);
        assert_eq!(by_meaning(&memory), BY_MEANING, "{backend}");
        // A filter is asked once, in the same view.
        let odd = Filter::new().kind("odd");
        assert_eq!(of_search(&memory, Mode::Semantic, "disk", &odd), VIEW_FIRST + rows + 1, "{backend}");
    }
}

/// What the first search after a write takes to follow it: a view that shows it, a view under the lock, the changes, their vectors, and
/// whether their entries still hold and for how long; after that the hits.
const FOLLOWING: u64 = 6 + 1;

/// What another process wrote is found by the next search, which counted on a view that is not the last one any more; the one after that
/// counts on none.
#[test]
fn a_search_that_counted_on_an_older_view_starts_over() {
    let Some(server) = Server::shared() else { return };
    for (backend, rows) in [(VectorBackend::Flat, 0), (VectorBackend::Sq8, EXACT_ROWS)] {
        let memory = memory(server, backend);
        let other = memory.again(|builder| builder.vectors_of("host", DIMENSIONS));
        // Beside note 3, and not so near that both are as near as can be told.
        let (angle, mut query) = (0.033_f32, vec![0.0; DIMENSIONS]);
        (query[0], query[3 % (DIMENSIONS - 1) + 1]) = (angle.cos(), angle.sin());
        let search = || {
            let before = trips();
            let found = memory.recall_vector(&query).limit(5).run().unwrap();
            let titles: Vec<String> = found.into_iter().map(|hit| hit.entry.title).collect();
            (trips() - before, titles)
        };
        search();
        for number in 0..3 {
            let (taken, before) = search();
            assert_eq!((taken, &*before[0]), (BY_MEANING, "note 3"), "{backend}");
            let title = format!("newer {number}");
            let newer = other.remember_with_vector(NewEntry::new(&title), &query).unwrap();
            let (taken, found) = search();
            assert_eq!((taken, &found[0]), (FOLLOWING + rows, &title), "{backend}");
            assert_eq!(search(), (VIEW_FIRST + rows, found.clone()), "{backend}: it looks first");
            assert_eq!(search(), (BY_MEANING, found), "{backend}");
            other.forget(newer).unwrap();
            assert_eq!(search().1, before, "{backend}: {title} is gone");
            search();
        }
    }
}

/// A handle knows of its own writes.
#[test]
fn after_a_write_of_its_own_a_handle_looks_first() {
    let Some(server) = Server::shared() else { return };
    for (backend, rows) in [(VectorBackend::Flat, 0), (VectorBackend::Sq8, EXACT_ROWS)] {
        let memory = memory(server, backend);
        assert_eq!(by_meaning(&memory), BY_MEANING);
        let mut far = vec![0.0; DIMENSIONS];
        (far[1], far[2]) = (-0.6, -0.8);
        memory.remember_with_vector(NewEntry::new("far away"), &far).unwrap();
        for takes in [FOLLOWING + rows, BY_MEANING] {
            let before = trips();
            let found = memory.recall_vector(&far).limit(1).run().unwrap();
            assert_eq!((found[0].entry.title.as_str(), trips() - before), ("far away", takes), "{backend}");
        }
    }
}

/// Whether the index of the last view was scanned first or not, and also where more is wanted than comes with the view.
#[test]
fn looking_ahead_finds_the_same() {
    let Some(server) = Server::shared() else { return };
    for backend in [VectorBackend::Flat, VectorBackend::Sq8] {
        let memory = memory(server, backend);
        let query = vector(7);
        let by_meaning = |rekall: &Rekall, limit: usize, way: usize| {
            let mode = if way == 3 { Mode::Hybrid } else { Mode::Semantic };
            let search = rekall.recall("disk page").vector(&query).mode(mode).limit(limit);
            let search = match way {
                1 => search.recency(Recency::new(Duration::from_secs(3600))),
                2 => search.diversity(0.5),
                _ => search,
            };
            let found = search.run().unwrap();
            assert!(found.degraded.is_empty(), "{:?}", found.degraded);
            found.into_iter().map(|hit| (hit.entry.title, hit.similarity, hit.chunk)).collect::<Vec<_>>()
        };
        by_meaning(&memory, 1, 0);
        for (limit, way) in [(1, 0), (5, 0), (60, 0), (300, 0), (5, 1), (5, 2), (5, 3), (300, 3)] {
            // A handle that has not searched yet has no view to count on.
            let first =
                memory.again(|builder| builder.vectors_of("host", DIMENSIONS).vector_backend(backend));
            let due = by_meaning(&first, limit, way);
            assert_eq!(due.len(), limit, "{backend} {limit} {way}");
            assert_eq!(by_meaning(&memory, limit, way), due, "{backend} {limit} {way}");
        }
        // A row that goes without a line in the log costs no search: what needs it does without.
        let titles = |limit| by_meaning(&memory, limit, 0).into_iter().map(|hit| hit.0).collect::<Vec<_>>();
        let nearest = titles(5);
        assert_eq!(nearest[0], "note 7");
        memory
            .foreign_sql("SET session_replication_role = replica; DELETE FROM embedding WHERE entry_id = 8");
        let left = if backend == VectorBackend::Flat { &nearest[..4] } else { &nearest[1..] };
        assert_eq!(titles(4), left, "{backend}");
    }
}

#[test]
fn a_search_by_words_takes_a_view_pages_of_new_words_and_its_hits() {
    let Some(server) = Server::shared() else { return };
    let memory = memory(server, VectorBackend::Flat);
    assert_eq!(of_search(&memory, Mode::Text, "disk page", &Filter::new()), 3);
    assert_eq!(of_search(&memory, Mode::Text, "disk page", &Filter::new().kind("odd")), 4);
    let before = trips();
    assert_eq!(memory.recall("note page").mode(Mode::Text).limit(5).run().unwrap().len(), 5);
    assert_eq!(trips() - before, 4, "one word is new");
    // What others do on the server is no reason to look again for damage, nor is an entry that waits for a segment.
    drop(self::memory(server, VectorBackend::Flat));
    let before = trips();
    assert_eq!(memory.recall("note page").mode(Mode::Text).limit(5).run().unwrap().len(), 5);
    assert_eq!(trips() - before, 3, "all words are known");
    let filter = Filter::new().tag_any("none");
    for mode in [Mode::Text, Mode::Hybrid] {
        drop(self::memory(server, VectorBackend::Flat));
        let before = trips();
        memory.recall("note page").mode(mode).vector(vector(3)).filter(filter.clone()).run().unwrap();
        assert!(trips() - before <= 4, "{mode:?}: {}", trips() - before);
    }
}

#[test]
fn a_search_by_both_takes_little_more() {
    let Some(server) = Server::shared() else { return };
    let flat = memory(server, VectorBackend::Flat);
    assert_eq!(of_search(&flat, Mode::Hybrid, "disk page", &Filter::new()), 3);
    let codes = memory(server, VectorBackend::Sq8);
    // Exact rows of what the index finds come with the view, those of what only words find do not.
    assert_eq!(of_search(&codes, Mode::Hybrid, "disk page", &Filter::new()), 3 + EXACT_ROWS);
}

#[test]
fn a_scope_costs_what_a_memory_without_a_name_does() {
    let Some(server) = Server::shared() else { return };
    let memory = memory(server, VectorBackend::Sq8);
    let scope = memory.scope("ann").unwrap();
    remember(&scope);
    assert_eq!(by_meaning(&scope), BY_MEANING);
    let text = of_search(&memory, Mode::Text, "disk page", &Filter::new());
    assert_eq!(of_search(&scope, Mode::Text, "disk page", &Filter::new()), text);
}

#[test]
fn a_search_by_the_server_takes_a_view_its_question_and_its_hits() {
    let Some(server) = Server::shared() else { return };
    server.create_extension("vector");
    for backend in [VectorBackend::Pgvector, VectorBackend::PgvectorHnsw] {
        let memory = memory(server, backend);
        memory.rebuild_index().run().unwrap();
        let mut taken = 0;
        for number in [3, 4, 5] {
            let before = trips();
            assert_eq!(memory.recall_vector(vector(number)).limit(5).run().unwrap().len(), 5);
            taken = trips() - before;
        }
        assert_eq!(taken, 4, "{backend}");
    }
}
