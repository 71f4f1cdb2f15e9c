//! What do short notes cost, each of a title and one sentence, with the built-in model: to write, to store and to search?
//!
//! Prints, for 4,000 and 100,000 of them, how many are remembered a second, the size of the file without vectors and with
//! them, and the median of a search in milliseconds. `-- FILE` takes the notes from the lines of a text file instead, of
//! which a hundred, cut to eight words, are the questions. Then the median of a hybrid search with all rows in memory
//! (`flat`) and with codes there (`sq8`), for sizes around the one from which codes are chosen.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod common;

use std::fs;
use std::time::Instant;

use rekall::{Mode, NewEntry, Rekall, VectorBackend};

use common::{median_ms, questions, remember, short_notes};

fn main() {
    // `cargo test` builds and runs benches, too, and is not to wait for this one.
    if std::env::args().any(|argument| argument == "--bench") {
        println!(
            "short notes | remembered a second | MB without vectors | MB | words, ms | meaning, ms | hybrid, ms"
        );
        let file = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
        for count in [4_000, 100_000] {
            match &file {
                None => bench(&short_notes(count), &questions()),
                Some(file) => {
                    let text = fs::read_to_string(file).unwrap();
                    let lines: Vec<&str> = text.lines().take(count).collect();
                    bench(&lines.iter().map(|line| NewEntry::new(*line)).collect::<Vec<_>>(), &asked(&lines));
                }
            }
        }
        println!("short notes | flat, ms | sq8, ms");
        for count in [2_000, 4_000, 6_000, 8_000, 12_000] {
            let [flat, sq8] = [VectorBackend::Flat, VectorBackend::Sq8].map(|backend| hybrid(count, backend));
            println!("{count} | {flat:.2} | {sq8:.2}");
        }
    }
}

/// Some lines, cut to eight words.
fn asked(lines: &[&str]) -> Vec<String> {
    let words = |line: &str| line.split_whitespace().take(8).collect::<Vec<_>>().join(" ");
    lines.iter().step_by(lines.len().div_ceil(100)).map(|line| words(line)).collect()
}

fn bench(entries: &[NewEntry], questions: &[String]) {
    let folder = tempfile::tempdir().unwrap();
    let bare = Rekall::builder(folder.path().join("bare.db")).without_model().open().unwrap();
    remember(&bare, entries);
    let without_vectors = size(bare);

    let rekall = Rekall::builder(folder.path().join("bench.db")).cache_max_size(0).open().unwrap();
    let started = Instant::now();
    remember(&rekall, entries);
    let rate = entries.len() as f64 / started.elapsed().as_secs_f64();
    let questions: Vec<&str> = questions.iter().map(String::as_str).collect();
    let [words, meaning, hybrid] = [Mode::Text, Mode::Semantic, Mode::Hybrid].map(|mode| {
        median_ms(&questions, |question| {
            assert!(!rekall.recall(question).mode(mode).run().unwrap().is_empty());
        })
    });
    let with_vectors = size(rekall);
    println!(
        "{} | {rate:.0} | {without_vectors:.1} | {with_vectors:.1} | {words:.2} | {meaning:.2} | {hybrid:.2}",
        entries.len()
    );
}

/// The median of a hybrid search with a backend.
fn hybrid(count: usize, backend: VectorBackend) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let builder = Rekall::builder(folder.path().join("bench.db")).cache_max_size(0);
    let rekall = builder.vector_backend(backend).open().unwrap();
    remember(&rekall, &short_notes(count));
    let questions = questions();
    let questions: Vec<&str> = questions.iter().map(String::as_str).collect();
    median_ms(&questions, |question| assert!(!rekall.recall(question).run().unwrap().is_empty()))
}

/// The size of a memory's file in megabytes, once nothing of it is left in the write-ahead log.
fn size(rekall: Rekall) -> f64 {
    let path = rekall.path().to_owned();
    drop(rekall);
    fs::metadata(path).unwrap().len() as f64 / 1e6
}
