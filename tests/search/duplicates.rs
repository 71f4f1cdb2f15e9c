//! Entries that say nearly the same: all pairs are found, and none is dropped.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::common::{BACKENDS, Random, WordModel, memory_with};
use rekall::index::similarity;
use rekall::{
    CancelToken, DuplicatePair, EntryId, EntryPatch, Error, Filter, NewEntry, Rekall, Role, Status,
};

const SEED: u64 = 20_260_101;

/// The summary's vectors of an entry.
fn passages(rekall: &Rekall, id: EntryId) -> Vec<Vec<f32>> {
    (0..).map_while(|chunk| rekall.stored_vector(id, Role::Summary, chunk).ok()).collect()
}

/// By the definition: the least matched passage of either.
fn alike(these: &[Vec<f32>], those: &[Vec<f32>]) -> f32 {
    let least = |of: &[Vec<f32>], among: &[Vec<f32>]| {
        let best = |one: &Vec<f32>| among.iter().map(|other| similarity(one, other)).max_by(f32::total_cmp);
        of.iter().map(|one| best(one).unwrap()).min_by(f32::total_cmp).unwrap()
    };
    least(these, those).min(least(those, these))
}

fn named(pairs: &[DuplicatePair]) -> Vec<(EntryId, EntryId, f32)> {
    pairs.iter().map(|pair| (pair.first, pair.second, pair.similarity)).collect()
}

#[test]
fn all_pairs_are_found_by_every_index() {
    println!("seed {SEED}");
    for (name, configure) in BACKENDS {
        let mut random = Random(SEED);
        let memory = memory_with(|builder| configure(builder.embedder(Arc::new(WordModel::new(8)))));
        let words = ["disk", "full", "cache", "stale", "login", "token"];
        let notes: Vec<NewEntry> = (0..90)
            .map(|number| {
                let text = |random: &mut Random| {
                    (0..4).map(|_| words[random.below(6) as usize]).collect::<Vec<_>>().join(" ")
                };
                let note = NewEntry::new(text(&mut random)).project((number % 2).to_string());
                // Some are of several passages.
                match random.below(5) {
                    0 => note.content(format!("# {}\n\n", text(&mut random)).repeat(60)),
                    _ => note,
                }
            })
            .collect();
        let ids = memory.remember_many(&notes).run().unwrap();
        memory.update(ids[0], &EntryPatch::new().status(Status::Obsolete)).unwrap();
        let vectors: BTreeMap<EntryId, Vec<Vec<f32>>> =
            ids[1..].iter().map(|&id| (id, passages(&memory, id))).collect();
        assert!(vectors.values().any(|passages| passages.len() > 1), "some are of several passages");
        for threshold in [0.8, 0.99] {
            let mut expected = Vec::new();
            for (&first, these) in &vectors {
                for (&second, those) in vectors.range(first..).skip(1) {
                    let similarity = alike(these, those);
                    if similarity >= threshold {
                        expected.push((first, second, similarity));
                    }
                }
            }
            expected.sort_by(|a, b| b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1))));
            assert!(expected.len() > 5, "{}", expected.len());
            let search = || memory.duplicates().threshold(threshold).limit(10_000);
            let report = search().run().unwrap();
            assert!(
                named(&report.pairs) == expected,
                "{name} {threshold}: {} {}",
                report.found,
                expected.len()
            );
            assert_eq!(report.found, expected.len() as u64);
            let first = search().limit(3).run().unwrap();
            assert_eq!(named(&first.pairs), expected[..3]);
            assert_eq!(first.found, expected.len() as u64);
            let of_one = search().filter(Filter::new().project("1")).run().unwrap();
            let in_project = |id: EntryId| memory.get(id).unwrap().project.as_deref() == Some("1");
            expected.retain(|&(first, second, _)| in_project(first) && in_project(second));
            assert_eq!(named(&of_one.pairs), expected);
            // What one entry is like is what its pairs say.
            let id = ids[5];
            let near = memory.near_duplicates(id, threshold).unwrap();
            let of_id = report.pairs.iter().filter_map(|pair| match (pair.first == id, pair.second == id) {
                (true, _) => Some((pair.second, pair.similarity)),
                (_, true) => Some((pair.first, pair.similarity)),
                _ => None,
            });
            let mut of_id: Vec<(EntryId, f32)> = of_id.collect();
            of_id.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            assert_eq!(near.iter().map(|near| (near.id, near.similarity)).collect::<Vec<_>>(), of_id);
        }
    }
}

#[test]
fn remember_tells_what_is_like_an_entry_and_stores_it() {
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(16))));
    let old = memory.remember(NewEntry::new("port 8080 is taken on the build machine")).unwrap();
    let notes = [
        NewEntry::new("port 9090 is taken on the build machine"),
        NewEntry::new("bread"),
        NewEntry::new("port 9090 is taken on the build  machine"),
    ];
    let report = memory.remember_many(&notes).run_with_duplicates(0.8).unwrap();
    assert_eq!((report.entries.len(), &report.unchecked), (3, &None));
    assert_eq!(memory.stats().unwrap().store.entries, 4, "nothing is dropped");
    let near: Vec<Vec<EntryId>> = report
        .entries
        .iter()
        .map(|entry| entry.near_duplicates.iter().map(|near| near.id).collect())
        .collect();
    let (first, last) = (report.entries[0].id, report.entries[2].id);
    assert_eq!(near, [vec![last, old], vec![], vec![first, old]]);
    let told = &report.entries[0].near_duplicates;
    assert_eq!(told[0].differences, [], "only white space differs");
    let [difference] = told[1].differences[..] else { unreachable!("{told:?}") };
    assert_eq!(difference.first, difference.second);
    assert_eq!((difference.first.start, difference.first.end), (5, 9));
    let one = memory.remember_with_duplicates(NewEntry::new("bread "), 0.8).unwrap();
    assert_eq!((one.entries.len(), &one.unchecked), (1, &None));
    let told: Vec<EntryId> = one.entries[0].near_duplicates.iter().map(|near| near.id).collect();
    assert_eq!(told, [report.entries[1].id]);
    let refused = memory.remember_many(&notes).run_with_duplicates(2.0);
    assert!(matches!(refused, Err(Error::InvalidThreshold { .. })));
    let refused = memory.remember_with_duplicates(&notes[0], f32::NAN);
    assert!(matches!(refused, Err(Error::InvalidThreshold { .. })));
    assert_eq!(memory.stats().unwrap().store.entries, 5, "and nothing is stored");
}

#[test]
fn a_search_for_pairs_tells_how_far_it_is_and_stops() {
    let memory = memory_with(|builder| builder.vectors_of("host", 2));
    let notes: Vec<NewEntry> = (0..200).map(|number| NewEntry::new(format!("note {number}"))).collect();
    memory.remember_many(&notes).vectors(&[0.6, 0.8].repeat(200)).run().unwrap();
    let token = CancelToken::new();
    let mut reached = Vec::new();
    let report = memory
        .duplicates()
        .limit(10)
        .progress(|at| reached.push((at.done, at.total)))
        .cancel(&token)
        .run()
        .unwrap();
    assert_eq!((report.pairs.len(), report.found), (10, 200 * 199 / 2));
    assert!(reached.is_sorted() && reached.len() > 2 && reached.last() == Some(&(200, 200)), "{reached:?}");
    let stopped = memory.duplicates().progress(|_| token.cancel()).cancel(&token).run();
    assert!(matches!(stopped, Err(Error::Interrupted)));
    assert!(matches!(memory.duplicates().limit(0).run(), Err(Error::InvalidLimit { .. })));
    assert!(matches!(memory.duplicates().threshold(1.5).run(), Err(Error::InvalidThreshold { .. })));
}

#[test]
fn without_vectors_there_is_nothing_to_compare() {
    let memory = memory_with(|builder| builder.without_model());
    let id = memory.remember(NewEntry::new("a note")).unwrap();
    memory.remember(NewEntry::new("a note")).unwrap();
    assert_eq!(memory.duplicates().run().unwrap().found, 0);
    assert!(matches!(memory.near_duplicates(id, 0.9), Err(Error::NotEmbedded { .. })));
    let report = memory.remember_many(&[NewEntry::new("a note")]).run_with_duplicates(0.9).unwrap();
    assert_eq!(report.entries[0].near_duplicates, []);
}
