//! Texts and memories for the benches: sentences of the sample notes, shuffled by a fixed seed.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, missing_docs)]

use rekall::{NewEntry, Rekall};
use serde_json::Value;
use tempfile::TempDir;

const NOTES: &str = include_str!("../../examples/data/notes.jsonl");

/// Deterministic numbers (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// A unit vector in a random direction.
    pub fn unit(&mut self, dimensions: usize) -> Vec<f32> {
        let raw: Vec<f64> = (0..dimensions)
            .map(|_| (0..4).map(|_| self.next() as f64 / u64::MAX as f64 - 0.5).sum())
            .collect();
        let norm = raw.iter().map(|x| x * x).sum::<f64>().sqrt();
        raw.into_iter().map(|x| (x / norm) as f32).collect()
    }
}

/// Near one of a thousand directions, as texts are near their topics.
pub struct Vectors {
    dimensions: usize,
    random: Random,
    topics: Vec<Vec<f32>>,
}

impl Vectors {
    pub fn new(dimensions: usize, seed: u64) -> Self {
        let mut random = Random(1);
        let topics = (0..1000).map(|_| random.unit(dimensions)).collect();
        Self { dimensions, random: Random(seed), topics }
    }

    pub fn next(&mut self) -> Vec<f32> {
        let topic = &self.topics[self.random.below(self.topics.len())];
        let noise = self.random.unit(self.dimensions);
        topic.iter().zip(noise).map(|(topic, noise)| 0.7 * topic + 0.7 * noise).collect()
    }
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// `count` entries of three sentences each, English or French.
pub fn entries(count: usize) -> Vec<NewEntry> {
    let notes: Vec<Value> = NOTES.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut random = Random(0x5eed);
    let sentences = |note: &Value| -> Vec<String> {
        note["content"].as_str().unwrap().split_inclusive(". ").map(str::to_owned).collect()
    };
    let by_language = ["en", "fr"].map(|language| {
        notes.iter().filter(|note| note["lang"] == language).flat_map(sentences).collect::<Vec<_>>()
    });
    (0..count)
        .map(|_| {
            let pool = &by_language[random.below(2)];
            let note = &notes[random.below(notes.len())];
            let content: String = (0..3).map(|_| pool[random.below(pool.len())].as_str()).collect();
            NewEntry::new(note["title"].as_str().unwrap()).content(content).kind("bug").tags(["bench"])
        })
        .collect()
}

/// Questions as a user would type them, different from one another.
pub fn questions() -> Vec<String> {
    let mut random = Random(7);
    NOTES
        .lines()
        .map(|line| {
            let note: Value = serde_json::from_str(line).unwrap();
            let words: Vec<&str> = note["content"].as_str().unwrap().split_whitespace().collect();
            let start = random.below(words.len().saturating_sub(8).max(1));
            words[start..(start + 8).min(words.len())].join(" ")
        })
        .collect()
}

/// `count` notes of a title and one sentence, English or French.
pub fn short_notes(count: usize) -> Vec<NewEntry> {
    let notes: Vec<Value> = NOTES.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut random = Random(0x5407);
    (0..count)
        .map(|number| {
            let note = &notes[random.below(notes.len())];
            let sentences: Vec<&str> = note["content"].as_str().unwrap().split_inclusive(". ").collect();
            let sentence = sentences[random.below(sentences.len())].trim();
            let title = format!("{} ({number})", note["title"].as_str().unwrap());
            NewEntry::new(title).content(sentence)
        })
        .collect()
}

/// Reports of `templates` services, each with `copies` more that differ from it in a number. All hold the words
/// "deployment", "finished", "without" and "warnings".
pub fn near_copies(templates: usize, copies: usize) -> Vec<NewEntry> {
    let mut random = Random(0xc0b1);
    let names = ["payments", "search", "login", "orders", "mail", "reports", "billing", "images"];
    (0..templates)
        .flat_map(|template| {
            let name = names[random.below(names.len())];
            let (host, build) = (random.below(900), random.below(100_000));
            (0..=copies).map(move |copy| {
                NewEntry::new(format!("Deployment of {name}-{template}")).content(format!(
                    "The deployment of {name}-{template} on host{host} finished without warnings after {copy} \
                     minutes; build {build}."
                ))
            })
        })
        .collect()
}

/// `count` notes of which each is 24 of the same 40 words.
pub fn notes_of_few_words(count: usize) -> Vec<NewEntry> {
    const WORDS: [&str; 40] = [
        "disk",
        "backup",
        "server",
        "memory",
        "error",
        "night",
        "deploy",
        "queue",
        "timeout",
        "cache",
        "index",
        "search",
        "login",
        "token",
        "certificate",
        "proxy",
        "router",
        "kernel",
        "driver",
        "thread",
        "lock",
        "commit",
        "branch",
        "merge",
        "test",
        "build",
        "release",
        "version",
        "log",
        "alert",
        "metric",
        "region",
        "cluster",
        "node",
        "volume",
        "snapshot",
        "restore",
        "migration",
        "schema",
        "table",
    ];
    let mut random = Random(0x40);
    let mut words = |count: usize| -> String {
        (0..count).map(|_| WORDS[random.below(WORDS.len())]).collect::<Vec<_>>().join(" ")
    };
    (0..count).map(|_| NewEntry::new(words(4)).content(words(20))).collect()
}

/// Remembers the entries in transactions of a usual size.
pub fn remember(rekall: &Rekall, entries: &[NewEntry]) {
    for batch in entries.chunks(2_000) {
        rekall.remember_many(batch).run().unwrap();
    }
}

/// The median time of a search in milliseconds, over at least 40 searches; the first of each query is not counted.
pub fn median_ms(queries: &[&str], mut search: impl FnMut(&str)) -> f64 {
    let queries = &queries[..queries.len().min(40)];
    for query in queries {
        search(query);
    }
    let mut times: Vec<f64> = queries
        .iter()
        .cycle()
        .take(queries.len() * 40_usize.div_ceil(queries.len()))
        .map(|query| {
            let started = std::time::Instant::now();
            search(query);
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// A memory with these entries, embedded by the built-in model, warm.
pub fn filled(entries: &[NewEntry]) -> (TempDir, Rekall) {
    let folder = tempfile::tempdir().unwrap();
    // Every query is new to the cache: what is measured is the whole way.
    let rekall = Rekall::builder(folder.path().join("bench.db")).cache_max_size(0).open().unwrap();
    remember(&rekall, entries);
    rekall.recall("warm up").run().unwrap();
    (folder, rekall)
}

/// A memory with `count` entries of three sentences.
pub fn memory(count: usize) -> (TempDir, Rekall) {
    filled(&entries(count))
}
