//! The default threshold of `similar_to` comes from the file itself.

use rekall::{EntryId, NewEntry, Rekall};
use tempfile::TempDir;

const DIMENSIONS: usize = 32;

/// Deterministic numbers (SplitMix64), about normal.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1 << 24) as f32
    }

    fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.uniform()).sum::<f32>() - 6.0
    }
}

/// Vectors as a model makes them of a language: they share a direction, more so in a language that it hardly knows.
struct Language {
    direction: usize,
    shared: f32,
}

const WELL_KNOWN: Language = Language { direction: 0, shared: 2.0 };
const HARDLY_KNOWN: Language = Language { direction: 1, shared: 10.0 };

impl Language {
    fn vector(&self, random: &mut Random) -> Vec<f32> {
        let mut vector: Vec<f32> = (0..DIMENSIONS).map(|_| random.normal()).collect();
        vector[self.direction] += self.shared;
        vector
    }
}

struct Memory {
    rekall: Rekall,
    _folder: TempDir,
    by_language: Vec<Vec<EntryId>>,
}

fn memory(languages: &[(&Language, usize)]) -> Memory {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let rekall = Rekall::builder(path).vectors_of("host", DIMENSIONS).open().unwrap();
    let mut random = Random(7);
    let mut by_language = Vec::new();
    for (language, count) in languages {
        let entries: Vec<NewEntry> = (0..*count).map(|_| NewEntry::new("one")).collect();
        let rows: Vec<f32> = entries.iter().flat_map(|_| language.vector(&mut random)).collect();
        by_language.push(rekall.remember_many(&entries).vectors(&rows).run().unwrap());
    }
    Memory { rekall, _folder: folder, by_language }
}

impl Memory {
    /// The share of pairs of entries of one language of which one finds the other one.
    fn share_that_passes(&self, language: usize) -> f64 {
        let ids = &self.by_language[language];
        let mut passed = 0;
        for &id in ids {
            let found = self.rekall.similar_to(id).limit(1_000).run().unwrap();
            passed += found.iter().filter(|hit| ids.contains(&hit.entry.id)).count();
        }
        passed as f64 / (ids.len() * (ids.len() - 1)) as f64
    }
}

#[test]
fn hardly_any_unrelated_pair_of_one_language_passes() {
    for languages in [
        &[(&WELL_KNOWN, 200)][..],
        &[(&HARDLY_KNOWN, 200)],
        // The many pairs of the language that is well known say nothing about the other one.
        &[(&WELL_KNOWN, 300), (&HARDLY_KNOWN, 80)],
    ] {
        let memory = memory(languages);
        for language in 0..languages.len() {
            let share = memory.share_that_passes(language);
            assert!(share <= 0.01, "{} languages, number {language}: {share}", languages.len());
        }
    }
}

#[test]
fn what_is_related_passes_and_what_is_given_rules() {
    let memory = memory(&[(&WELL_KNOWN, 200), (&HARDLY_KNOWN, 100)]);
    let rekall = &memory.rekall;
    let mut random = Random(99);
    for language in [&WELL_KNOWN, &HARDLY_KNOWN] {
        let vector = language.vector(&mut random);
        let like: Vec<f32> = vector.iter().map(|value| value + 0.1 * random.normal()).collect();
        let one = rekall.remember_with_vector(NewEntry::new("one"), &vector).unwrap();
        let other = rekall.remember_with_vector(NewEntry::new("the other"), &like).unwrap();
        let found = rekall.similar_to(one).run().unwrap();
        assert_eq!(found[0].entry.id, other);
        let threshold = found.threshold.unwrap();
        assert!(found.iter().all(|hit| hit.similarity.unwrap() >= threshold));
        // The same in another process, and until the file changes.
        assert_eq!(rekall.similar_to(one).run().unwrap().threshold, Some(threshold));
        let all = rekall.similar_to(one).threshold(-1.0).limit(1_000).run().unwrap();
        assert_eq!(
            (all.len() as u64 + 1, all.threshold),
            (rekall.stats().unwrap().store.entries, Some(-1.0))
        );
    }
}

#[test]
fn a_language_that_is_hardly_known_has_the_higher_threshold() {
    let memory = memory(&[(&WELL_KNOWN, 200), (&HARDLY_KNOWN, 100)]);
    let threshold = |language: usize| {
        let id = memory.by_language[language][0];
        memory.rekall.similar_to(id).run().unwrap().threshold.unwrap()
    };
    assert!(threshold(1) > threshold(0) + 0.1, "{} {}", threshold(0), threshold(1));
}

#[test]
fn few_entries_have_the_stated_threshold_and_copies_pass_any() {
    let few = memory(&[(&WELL_KNOWN, 16)]);
    let found = few.rekall.similar_to(few.by_language[0][0]).run().unwrap();
    assert_eq!(found.threshold, Some(0.75));
    // Copies of one entry: no similarity below 1 tells them apart.
    let copies = memory(&[(&WELL_KNOWN, 40)]);
    let vector = vec![1.0; DIMENSIONS];
    let ids: Vec<EntryId> = (0..40)
        .map(|_| copies.rekall.remember_with_vector(NewEntry::new("copy"), &vector).unwrap())
        .collect();
    let found = copies.rekall.similar_to(ids[0]).limit(100).run().unwrap();
    assert_eq!((found.len(), found.threshold), (39, Some(0.98)));
}

#[test]
fn a_similarity_has_a_rank_among_the_pairs_of_the_file() {
    let memory = memory(&[(&WELL_KNOWN, 100)]);
    let rank = |similarity| memory.rekall.similarity_rank(similarity).unwrap().unwrap();
    assert_eq!((rank(-1.0), rank(1.1)), (0.0, 1.0));
    let ranks: Vec<f32> = (-10..=10).map(|tenth| rank(tenth as f32 / 10.0)).collect();
    assert!(ranks.is_sorted(), "{ranks:?}");
    assert!(ranks.iter().any(|rank| (0.2..0.8).contains(rank)), "{ranks:?}");
}
