//! How long a search takes from text to hits, with the built-in model, and how soon a new entry is found.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use rekall::storage::{Snippets, TextQuery};
use rekall::{Mode, NewEntry, Recency};

fn recall_end_to_end(criterion: &mut Criterion) {
    let questions = common::questions();
    for (count, name) in [(1_000, "1k"), (10_000, "10k"), (100_000, "100k")] {
        let (_folder, rekall) = common::memory(count);
        for (mode, mode_name) in
            [(Mode::Semantic, "semantic"), (Mode::Text, "text"), (Mode::Hybrid, "hybrid")]
        {
            let mut at = 0;
            criterion.bench_function(&format!("recall_{name}_bundled_model_{mode_name}"), |bencher| {
                bencher.iter(|| {
                    at = (at + 1) % questions.len();
                    black_box(rekall.recall(&questions[at]).mode(mode).run().unwrap())
                });
            });
        }
    }
}

/// What age and diversity cost beside a plain search, and what all pairs that say nearly the same cost.
fn ranked_by_more(criterion: &mut Criterion) {
    let questions = common::questions();
    let (_folder, rekall) = common::memory(10_000);
    let month = Duration::from_secs(30 * 86_400);
    let mut at = 0;
    let mut next = || {
        at = (at + 1) % questions.len();
        questions[at].as_str()
    };
    for (mode, mode_name) in [(Mode::Semantic, "semantic"), (Mode::Text, "text"), (Mode::Hybrid, "hybrid")] {
        criterion.bench_function(&format!("recall_10k_{mode_name}_by_age"), |bencher| {
            let search = |query| rekall.recall(query).mode(mode).recency(Recency::new(month));
            bencher.iter(|| black_box(search(next()).run().unwrap()));
        });
        criterion.bench_function(&format!("recall_10k_{mode_name}_diversified"), |bencher| {
            bencher.iter(|| black_box(rekall.recall(next()).mode(mode).diversity(0.7).run().unwrap()));
        });
    }
    criterion.bench_function("duplicates_of_10k", |bencher| {
        bencher.iter(|| black_box(rekall.duplicates().run().unwrap()));
    });
}

fn added_entry_is_found(criterion: &mut Criterion) {
    let (_folder, rekall) = common::memory(50_000);
    let mut number = 0;
    criterion.bench_function("remember_one_and_find_it_among_50k", |bencher| {
        bencher.iter(|| {
            number += 1;
            let text = format!("the blue lighthouse number {number} needs paint");
            let id = rekall.remember(NewEntry::new(&text)).unwrap();
            let found = rekall.recall(&text).mode(Mode::Semantic).limit(5).run().unwrap();
            assert!(found.iter().any(|hit| hit.entry.id == id));
        });
    });
}

fn snippets(criterion: &mut Criterion) {
    let words: Vec<String> = (0..24).map(|number| format!("word{number}")).collect();
    let query = TextQuery::new(&words.join(" "));
    let snippets = Snippets::new(&query, 24);
    for (bytes, name) in [(1 << 10, "1KB"), (1 << 20, "1MB")] {
        let filler = "The build of the deployment pipeline failed again because memories were exhausted, ";
        let mut text = String::new();
        while text.len() < bytes {
            text.push_str(filler);
            text.push_str(&words[text.len() % words.len()]);
            text.push(' ');
        }
        criterion.bench_function(&format!("snippet_of_24_words_in_{name}"), |bencher| {
            bencher.iter(|| black_box(snippets.snippet(&text, None).unwrap()));
        });
        // What a hit of a search costs: its passage is cut out of the entry.
        let (_folder, rekall) = common::memory(0);
        rekall.remember(NewEntry::new("A long note").content(text)).unwrap();
        let found = rekall.recall(&words[5]).mode(Mode::Text).run().unwrap();
        let (hit, chunk) = (&found[0], found[0].chunk.unwrap());
        criterion.bench_function(&format!("snippet_of_the_passage_of_a_hit_of_{name}"), |bencher| {
            bencher.iter(|| {
                let bytes = chunk.passage(&hit.entry).bytes;
                let snippet = snippets.of_passage((&hit.entry).into(), chunk.role, bytes, ("[", "]"), None);
                assert!(black_box(snippet.unwrap()).is_some());
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).without_plots();
    targets = recall_end_to_end, ranked_by_more, added_entry_is_found, snippets
}
criterion_main!(benches);
