//! How fast texts are cut into tokens: `cargo bench -p rekall-core --bench tokens`.
#![allow(clippy::expect_used, missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rekall_core::bytes_of_terms;

const SIZE: usize = 1 << 20;

/// The project's own documentation, of which most is English prose, over and over.
fn english() -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");
    let files = ["storage.md", "performance.md", "features.md", "settings.md"];
    let text: String = files
        .map(|file| std::fs::read_to_string(format!("{folder}/{file}")).expect("the docs are there"))
        .concat();
    // Tables and code are read another way.
    let prose = text.lines().filter(|line| line.is_ascii() && line.starts_with(char::is_alphabetic));
    repeated(&prose.collect::<Vec<_>>().join("\n"))
}

fn repeated(text: &str) -> String {
    text.repeat(SIZE / text.len() + 1)
}

fn speed(criterion: &mut Criterion) {
    let french = "Le dépôt est vide\u{a0}: l’accès à la mémoire a échoué pendant l’été, où tout était prêt. ";
    let texts = [
        ("english", english()),
        ("french", repeated(french)),
        ("chinese", repeated("高血压患者应当定期测量血压，并且按照医生的建议服药。")),
        ("thai", repeated("ความดันโลหิตสูงเป็นโรคที่พบได้บ่อย ")),
        (
            "identifiers",
            repeated("fn be_between(x: &str) -> HttpResponse { src/main.rs --no-verify v7.1.3 }\n"),
        ),
    ];
    let mut group = criterion.benchmark_group("tokens");
    for (name, text) in texts {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| bytes_of_terms(black_box(&text))));
    }
}

criterion_group!(benches, speed);
criterion_main!(benches);
