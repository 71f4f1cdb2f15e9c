//! Randomness from a seed, and things made of it.

use rekall_core::{Comparison, Context, EntryId, Filter, NewEntry, Status};
use serde_json::{Value, json};

/// A generator (xorshift64*).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Less than `count`.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.next()) * count as u128) >> 64) as usize
    }

    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    pub(crate) fn some<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.one_in(3).then(|| make(self))
    }

    /// One of few moments about now, in milliseconds.
    pub(crate) fn time(&mut self) -> i64 {
        1_700_000_000_000 + 5 * self.below(16) as i64 - 20
    }

    pub(crate) fn unit(&mut self, dimensions: usize) -> Vec<f32> {
        let raw: Vec<f32> = (0..dimensions).map(|_| self.below(2_000) as f32 - 999.5).collect();
        let length = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
        raw.into_iter().map(|x| x / length).collect()
    }
}

pub(crate) const TAGS: &[&str] = &["a", "B", "é", "with space", "a\"quote", "Ünï", "😀", "z"];
pub(crate) const WORDS: &[&str] = &[
    "cors",
    "Safari",
    "naïve",
    "北京",
    "it's",
    "100%",
    "a\\b",
    "x_y",
    "",
    "running",
    "ran",
    "東京タワー",
    "한국어는",
    "ภาษาไทย",
    "сервера",
    "مكتبة",
    "7.1.3",
    "--no-verify",
    "src/main.rs",
    "optionsName",
    "options.name",
    "the",
    "e-mail",
];
const KINDS: &[&str] = &["note", "bug", "Bug", "décision"];
const PROJECTS: &[&str] = &["shop", "Shop", "été", "z"];
pub(crate) const URIS: &[&str] =
    &["file:///a", "file:///a/b.md", "file:///a/c", "file:///ab.md", "file:///a0", "note:1"];

fn value(random: &mut Random) -> Value {
    let values = [
        json!(1),
        json!(1.0),
        json!(-0.0),
        json!(0),
        json!("1"),
        json!("é"),
        json!("z"),
        json!(null),
        json!(true),
        json!([1, "a"]),
        json!({"b": {"c": [1.5]}}),
        json!(9_007_199_254_740_993_i64),
        json!(9_007_199_254_740_992.0),
        json!(u64::MAX),
        json!(0.1),
        json!("2024-05-31"),
        json!("tab\tnul\u{1}"),
    ];
    random.pick(&values).clone()
}

pub(crate) fn entry(random: &mut Random) -> NewEntry {
    let words = |random: &mut Random, most: usize| {
        let count = 1 + random.below(most);
        (0..count).map(|_| *random.pick(WORDS)).collect::<Vec<_>>().join(" ")
    };
    let mut entry = NewEntry::new(format!("t {}", words(random, 4))).content(words(random, 30));
    entry.kind = (*random.pick(KINDS)).to_owned();
    entry.project = random.some(|random| (*random.pick(PROJECTS)).to_owned());
    entry.tags = (0..random.below(4)).map(|_| (*random.pick(TAGS)).to_owned()).collect();
    entry.confidence = random.below(6) as u8;
    entry.context = random.some(|random| Context { text: Some(words(random, 5)), ..Context::default() });
    for _ in 0..random.below(4) {
        entry.metadata.insert((*random.pick(&["k", "l", "ключ"])).to_owned(), value(random));
    }
    entry.created_at = random.some(Random::time);
    entry.expires_at = random.some(Random::time);
    entry.valid_from = random.some(Random::time);
    entry.valid_to = entry.valid_from.map(|from| from + 5 * random.below(8) as i64);
    entry
}

pub(crate) fn filter(random: &mut Random, ids: &[EntryId]) -> Filter {
    let texts = |random: &mut Random, list: &[&str]| {
        let count = if random.one_in(9) { 1 + random.below(3) } else { 0 };
        (0..count)
            .map(|_| if random.one_in(12) { "a\0b".to_owned() } else { (*random.pick(list)).to_owned() })
            .collect::<Vec<_>>()
    };
    let mut filter = Filter::new();
    filter.kinds = texts(random, KINDS);
    filter.not_kinds = texts(random, KINDS);
    filter.projects = texts(random, PROJECTS);
    filter.not_projects = texts(random, PROJECTS);
    filter.tags_any = texts(random, TAGS);
    filter.tags_all = texts(random, TAGS);
    filter.not_tags = texts(random, TAGS);
    filter.memory_types = texts(random, &["episodic", "semantic"]);
    filter.not_memory_types = texts(random, &["semantic"]);
    filter.sources = texts(random, URIS);
    if random.one_in(9) {
        filter.sources.push(String::new());
    }
    filter.status = *random.pick(&[None, Some(Status::Active), Some(Status::Active), Some(Status::Obsolete)]);
    let time = |random: &mut Random| random.one_in(5).then(|| random.time());
    filter.created_after = time(random);
    filter.created_before = time(random);
    filter.updated_after = time(random);
    filter.updated_before = time(random);
    filter.as_of = time(random);
    filter.include_expired = random.one_in(3);
    if random.one_in(3) {
        let comparison = *random.pick(&[
            Comparison::Equal,
            Comparison::NotEqual,
            Comparison::LessThan,
            Comparison::AtMost,
            Comparison::GreaterThan,
            Comparison::AtLeast,
        ]);
        filter = filter.metadata_where(*random.pick(&["k", "l", "ключ"]), comparison, value(random));
    }
    if !ids.is_empty() && random.one_in(6) {
        filter.ids = Some((0..random.below(5)).map(|_| *random.pick(ids)).collect());
    }
    if !ids.is_empty() && random.one_in(6) {
        filter.not_ids = (0..random.below(5)).map(|_| *random.pick(ids)).collect();
    }
    filter
}
