//! How fast the index is, apart from the file. Prints; to be run alone and optimized:
//!
//! ```sh
//! cargo test --release -p rekall-core --lib words::index::tests::speed -- --ignored --nocapture
//! ```
#![allow(clippy::print_stdout)]

use std::time::{Duration, Instant};

use super::*;

/// Numbers that are the same in each run: the generator of Steele, Lea and Flood (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut value = self.0;
        value = (value ^ value >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ value >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        value ^ value >> 31
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A word of 30,000, of which the word of rank n comes up 1 / n as often as the first.
    fn word(&mut self) -> String {
        let uniform = self.next() as f64 / u64::MAX as f64;
        format!("w{}", 30_000f64.powf(uniform) as u64)
    }
}

/// Fastest of 30 runs: the machine may be busy with others.
fn fastest(mut run: impl FnMut()) -> Duration {
    let one = |_| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..30).map(one).min().unwrap_or_default()
}

struct Corpus {
    docs: Arc<Docs>,
    pages: MemoryPages,
}

impl Corpus {
    fn of(name: &str, texts: &[String]) -> Self {
        let tokens: usize = texts.iter().map(|text| text.split_whitespace().count()).sum();
        let start = Instant::now();
        let mut builder = Builder::default();
        for (text, row) in texts.iter().zip(1..) {
            add_text(&mut builder, row, text);
        }
        let added = start.elapsed();
        let (docs, pages) = builder.build();
        let built = start.elapsed();
        let bytes = |of: fn(&Page) -> usize| pages.iter().map(of).sum::<usize>();
        println!(
            "{name}: {} passages, {tokens} tokens; {:.2} million tokens/s added, {:.2} with build; table {} kB, terms and lists \
             {} kB, places {} kB, {} pages; {} MB of memory",
            texts.len(),
            tokens as f64 / added.as_secs_f64() / 1e6,
            tokens as f64 / built.as_secs_f64() / 1e6,
            docs.encode().len() / 1000,
            bytes(|page| page.docs.len()) / 1000,
            bytes(|page| page.places.len()) / 1000,
            pages.len(),
            builder.memory_bytes() / 1_000_000,
        );
        Self { docs: Arc::new(docs), pages: pages.into_iter().collect() }
    }

    fn time(&self, name: &str, words: &[Word], phrases: &[Phrase]) {
        let source = Segment::new(Arc::clone(&self.docs), Arc::default(), self.pages.clone());
        let mut scratch = Scratch::default();
        let request = Request { words, phrases, admitted: &|_| true, limit: 10, cancel: None };
        let mut hits = 0;
        let time = fastest(|| hits = search(&[&source], &request, &mut scratch).unwrap().len());
        println!("    {name}: {:.2} ms, {hits} hits", time.as_secs_f64() * 1e3);
    }

    fn time_text(&self, text: &str) {
        let (words, pairs) = running_text(text);
        self.time(&format!("`{text}` without pairs"), &words, &[]);
        self.time(&format!("`{text}` with pairs"), &words, &pairs);
        let quoted = phrase(0..words.len().min(3), PhraseKind::Quoted, 1.0);
        self.time("its first three words quoted", &words, &[quoted]);
    }
}

#[test]
#[ignore = "measures"]
fn short_passages() {
    let mut numbers = Numbers(1);
    let text = |_| {
        let mut text: Vec<String> = (0..20).map(|_| numbers.word()).collect();
        for frequent in ["often", "common", "usual"] {
            if numbers.below(10) < 3 {
                let at = numbers.below(20) as usize;
                text[at] = frequent.to_owned();
            }
        }
        text.join(" ")
    };
    let texts: Vec<String> = (0..100_000).map(text).collect();
    let corpus = Corpus::of("short passages", &texts);
    corpus.time_text("often w900 common w1200 usual");
    corpus.time_text("w900");
    let mut prefix = word("w12");
    prefix.forms[0].prefix = true;
    corpus.time("all words that begin with w12", &[prefix], &[]);
}

#[test]
#[ignore = "measures"]
fn near_copies() {
    let mut numbers = Numbers(2);
    let mut texts = Vec::new();
    for _ in 0..5417 {
        let template: Vec<String> = (0..12).map(|_| numbers.word()).collect();
        for copy in 0..12 {
            texts.push(format!("the report of station number {} {copy}", template.join(" ")));
        }
    }
    let corpus = Corpus::of("near copies", &texts);
    corpus.time_text("the report of station number");
    corpus.time_text("unheard report");
}

#[test]
#[ignore = "measures"]
fn few_words() {
    let mut numbers = Numbers(3);
    let text = |_| (0..24).map(|_| format!("w{}", numbers.below(40))).collect::<Vec<_>>().join(" ");
    let texts: Vec<String> = (0..50_000).map(text).collect();
    let corpus = Corpus::of("40 words", &texts);
    corpus.time_text("w1 w2 w3 w4 w5");
}

#[test]
#[ignore = "measures"]
fn a_merge() {
    let mut numbers = Numbers(4);
    let mut segments = Vec::new();
    for part in 0..8 {
        let mut builder = Builder::default();
        for row in 0..12_500 {
            let text: Vec<String> = (0..20).map(|_| numbers.word()).collect();
            add_text(&mut builder, row * 8 + part, &text.join(" "));
        }
        segments.push(segment_of(&builder));
    }
    let dead = Dead::default();
    let tables: Vec<(&Docs, &Dead)> = segments.iter().map(|(docs, _)| (&**docs, &dead)).collect();
    let inputs: Vec<(&Docs, &dyn Pages)> =
        segments.iter().map(|(docs, pages)| (&**docs, pages as &dyn Pages)).collect();
    let start = Instant::now();
    let into = merged_docs(&tables, true);
    let mut merge = Merge::new(&inputs, &into, &[]).unwrap();
    let begun = start.elapsed();
    let mut pages = 0;
    while merge.next_page().unwrap().is_some() {
        pages += 1;
    }
    println!(
        "merge of 8 segments, 2,000,000 tokens: {:.0} ms, of which beginning {:.0}; {pages} pages",
        start.elapsed().as_secs_f64() * 1e3,
        begun.as_secs_f64() * 1e3
    );
    let start = Instant::now();
    let decoded = Docs::decode(&into.encode()).unwrap();
    println!("its table, encoded and decoded: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    assert_eq!(decoded, into);
}
