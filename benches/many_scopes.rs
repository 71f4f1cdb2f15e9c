//! What does a scope cost among ten thousand others? The same ten entries in a memory with one scope and in one with
//! 10,000 (100,000 entries, 384 dimensions), in a file and, with the feature `postgres`, on a server.
//!
//! Everything is asked of both memories in turns; medians, in milliseconds. `cargo xtask bench-postgres` runs this with a server.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod common;

use std::sync::Arc;
use std::time::Instant;

use common::{Vectors, median};
use rekall::{Mode, NewEntry, Rekall};

const SCOPES: usize = 10_000;
/// Entries of a scope.
const ENTRIES: usize = 10;
const DIMENSIONS: usize = 384;
const ROUNDS: usize = 41;
/// The title of what a round writes.
const TITLE: &str = "scratch";

fn main() {
    // `cargo test` builds and runs benches, too, and is not to wait for this one.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("{ENTRIES} entries a scope, {DIMENSIONS} dimensions, medians of {ROUNDS} in turns, ms");
    println!("{:<40} {:>10} {:>10} {:>7}", "", "1 scope", format!("{SCOPES} scopes"), "ratio");
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    compare("a file", &path("one.db"), &path("many.db"));
    #[cfg(feature = "postgres")]
    if let Some(server) = rekall_postgres::testing::Server::start() {
        compare("a server", &server.memory_url(), &server.memory_url());
    }
}

fn compare(place: &str, one: &str, many: &str) {
    let [one, many] = [(one, 1), (many, SCOPES)].map(|(place, scopes)| fill(place, scopes));
    let questions = common::questions();
    let mut vectors = Vectors::new(DIMENSIONS, 7);
    let mut rows: Vec<(String, [Vec<f64>; 2])> = Vec::new();
    for round in 0..ROUNDS {
        let (question, vector) = (&questions[round % questions.len()], vectors.next());
        // Another scope each time, as another user comes along.
        let names = [0, round * (SCOPES / ROUNDS)].map(name);
        for (side, (memory, name)) in [&one, &many].into_iter().zip(&names).enumerate() {
            let mut at = 0;
            let mut timed = |what: String, work: &mut dyn FnMut()| {
                let started = Instant::now();
                work();
                let elapsed = started.elapsed().as_secs_f64() * 1e3;
                if rows.len() == at {
                    rows.push((what, [Vec::new(), Vec::new()]));
                }
                rows[at].1[side].push(elapsed);
                at += 1;
            };
            let mut opened: Option<Arc<Rekall>> = None;
            timed(format!("{place}: open a scope and search"), &mut || {
                let scope = memory.scope(name).unwrap();
                assert_eq!(search(&scope, question, &vector, Mode::Semantic), ENTRIES);
                opened = Some(scope);
            });
            let scope = opened.unwrap();
            timed(format!("{place}: search by meaning"), &mut || {
                assert_eq!(search(&scope, question, &vector, Mode::Semantic), ENTRIES);
            });
            search(&scope, question, &vector, Mode::Hybrid);
            timed(format!("{place}: search by both"), &mut || {
                assert_eq!(search(&scope, question, &vector, Mode::Hybrid), ENTRIES);
            });
            timed(format!("{place}: remember and forget one"), &mut || {
                let id = scope.remember_with_vector(NewEntry::new(TITLE), &vector).unwrap();
                scope.forget(id).unwrap();
            });
        }
    }
    for (what, [one, many]) in rows {
        let (one, many) = (median(one), median(many));
        println!("{what:<40} {one:>10.2} {many:>10.2} {:>6.2}x", many / one);
    }
}

fn search(scope: &Rekall, question: &str, vector: &[f32], mode: Mode) -> usize {
    scope.recall(question).vector(vector).mode(mode).limit(ENTRIES).run().unwrap().len()
}

fn name(number: usize) -> String {
    format!("user {number}")
}

/// A memory with so many scopes, all of which hold other entries.
fn fill(place: &str, scopes: usize) -> Rekall {
    let rekall = Rekall::builder(place).vectors_of("bench", DIMENSIONS).open().unwrap();
    let entries = common::entries(scopes * ENTRIES);
    let mut vectors = Vectors::new(DIMENSIONS, 3);
    for (number, entries) in entries.chunks(ENTRIES).enumerate() {
        let rows: Vec<f32> = entries.iter().flat_map(|_| vectors.next()).collect();
        rekall.scope(&name(number)).unwrap().remember_many(entries).vectors(&rows).run().unwrap();
    }
    rekall
}
