//! How long does a search take where its words stand in most notes? 65,000 notes of which each is like twelve others,
//! and 50,000 notes of the same forty words, with the built-in model.
//!
//! Prints medians in milliseconds: of a search by words and of a hybrid one for words that most notes hold, of a hybrid
//! one for a word that none holds, and what a snippet adds for each of 50 hits.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod common;

use rekall::{Mode, NewEntry, Rekall};

use common::{filled, median_ms, near_copies, notes_of_few_words};

const HITS: usize = 50;

fn main() {
    // `cargo test` builds and runs benches, too, and is not to wait for this one.
    if std::env::args().any(|argument| argument == "--bench") {
        println!("ms a search | words | hybrid | hybrid, word of no note | a snippet");
        bench("65,000 near-copies", &near_copies(5_000, 12), &["deployment finished without warnings"]);
        bench(
            "50,000 notes of 40 words",
            &notes_of_few_words(50_000),
            &["disk backup server", "memory error night deploy", "queue timeout"],
        );
    }
}

fn bench(name: &str, entries: &[NewEntry], queries: &[&str]) {
    let (_folder, rekall) = filled(entries);
    let by_words = median_ms(queries, |query| assert!(found(&rekall, query, Mode::Text, 10, false) == 10));
    let hybrid = median_ms(queries, |query| assert!(found(&rekall, query, Mode::Hybrid, 10, false) == 10));
    let unmatched = median_ms(&["xylophone"], |query| {
        assert!(found(&rekall, query, Mode::Hybrid, 10, false) == 10);
    });
    let [plain, with_snippets] = [false, true].map(|snippets| {
        median_ms(queries, |query| assert!(found(&rekall, query, Mode::Hybrid, HITS, snippets) == HITS))
    });
    let snippet = (with_snippets - plain) / HITS as f64;
    println!("{name} | {by_words:.2} | {hybrid:.2} | {unmatched:.2} | {snippet:.3}");
}

fn found(rekall: &Rekall, query: &str, mode: Mode, limit: usize, snippets: bool) -> usize {
    let search = rekall.recall(query).mode(mode).limit(limit);
    let search = if snippets { search.snippets("[", "]") } else { search };
    search.run().unwrap().len()
}
