//! The index in every state against the naive search.

use proptest::prelude::*;

use super::naive::{Naive, OwnedToken, add_tokens};
use super::*;

/// Few terms, many of which begin another one.
const TERMS: [&str; 8] = ["a", "ab", "abc", "b", "ba", "é", "éa", "zz"];

#[derive(Debug, Clone)]
enum Step {
    Put(i64, Vec<(u8, Vec<OwnedToken>)>),
    Remove(i64),
    /// What is in memory becomes a segment.
    Persist,
    /// A merge of some segments begins, unless one is under way.
    BeginMerge(usize, usize),
    /// One page of the merge is written.
    Page,
}

/// Segments, what is in memory, and a merge under way.
#[derive(Debug, Default)]
struct Index {
    segments: Vec<(Arc<Docs>, MemoryPages)>,
    delta: Builder,
    merge: Option<Building>,
}

#[derive(Debug)]
struct Building {
    first: usize,
    count: usize,
    into: Arc<Docs>,
    pages: Vec<Page>,
}

impl Index {
    fn run(&mut self, step: &Step, naive: &mut Naive) {
        match step {
            Step::Put(row, passages) => {
                self.delta.remove(*row);
                let mut kept = Vec::new();
                for ((role, tokens), number) in passages.iter().zip(0..) {
                    let key = PassageKey { row: *row, role: *role, number };
                    add_tokens(&mut self.delta, key, tokens);
                    kept.push((key, tokens.clone()));
                }
                naive.0.insert(*row, kept);
            }
            Step::Remove(row) => {
                self.delta.remove(*row);
                naive.0.remove(row);
            }
            Step::Persist => {
                self.segments.push(segment_of(&self.delta));
                self.delta = Builder::default();
            }
            Step::BeginMerge(first, count) => self.begin_merge(*first, *count),
            Step::Page => self.write_page(),
        }
    }

    fn dead(&self) -> Vec<Dead> {
        let dead_of = |number: usize| {
            let docs = &self.segments[number].0;
            let mut dead = Dead::default();
            for (newer, _) in &self.segments[number + 1..] {
                dead.mark_rows(docs, newer.rows().iter().copied());
            }
            dead.mark_rows(docs, self.delta.rows());
            dead
        };
        (0..self.segments.len()).map(dead_of).collect()
    }

    fn begin_merge(&mut self, first: usize, count: usize) {
        if self.merge.is_some() || self.segments.len() < 2 {
            return;
        }
        let first = first % (self.segments.len() - 1);
        let count = (count + 2).min(self.segments.len() - first);
        let dead = self.dead();
        let inputs: Vec<(&Docs, &Dead)> = self
            .segments
            .iter()
            .zip(&dead)
            .skip(first)
            .take(count)
            .map(|((docs, _), dead)| (&**docs, dead))
            .collect();
        let into = Arc::new(merged_docs(&inputs, first == 0));
        self.merge = Some(Building { first, count, into, pages: Vec::new() });
    }

    fn write_page(&mut self) {
        let Some(building) = &mut self.merge else { return };
        let merging = building.first..building.first + building.count;
        let inputs: Vec<(&Docs, &dyn Pages)> = self.segments[merging.clone()]
            .iter()
            .map(|(docs, pages)| (&**docs, pages as &dyn Pages))
            .collect();
        let last = building.pages.last().map(|page| page.last_term().unwrap()).unwrap_or_default();
        if let Some(page) = Merge::new(&inputs, &building.into, &last).unwrap().next_page().unwrap() {
            building.pages.push(page);
            return;
        }
        let merged = (Arc::clone(&building.into), building.pages.drain(..).collect());
        self.segments.splice(merging, [merged]);
        self.merge = None;
    }

    fn search(&self, request: &Request<'_>, scratch: &mut Scratch) -> Vec<WordHit> {
        let with_dead = self.segments.iter().zip(self.dead());
        let segments: Vec<_> = with_dead
            .map(|((docs, pages), dead)| Segment::new(Arc::clone(docs), Arc::new(dead), pages.clone()))
            .collect();
        let mut sources: Vec<&dyn Source> = segments.iter().map(|segment| segment as &dyn Source).collect();
        sources.push(&self.delta);
        search(&sources, request, scratch).unwrap()
    }
}

/// Tokens at ascending positions; some share one.
fn tokens() -> impl Strategy<Value = Vec<OwnedToken>> {
    let token =
        (0..TERMS.len(), prop_oneof![6 => Just(1u32), 1 => Just(0), 1 => 2..200u32], any::<bool>(), 1..=3u8);
    let filler = prop::collection::vec(0..400u32, 0..3);
    (prop::collection::vec(token, 0..12), filler).prop_map(|(tokens, fillers)| {
        let mut position = 0;
        let mut made = Vec::new();
        for (index, (term, gap, joined, weight)) in tokens.into_iter().enumerate() {
            position += gap;
            let main = index == 0 || gap > 0;
            made.push(OwnedToken { term: TERMS[term].to_owned(), position, joined, weight, main });
        }
        // Long and rare ones, so that there are several pages.
        for filler in fillers {
            position += 1;
            let term = format!("{filler:03}{}", "x".repeat(61));
            made.push(OwnedToken { term, position, joined: false, weight: 1, main: true });
        }
        made
    })
}

fn step() -> impl Strategy<Value = Step> {
    // All of role 0, then all of role 1: their numbers are those of the list, so that lists of every shape come up.
    let passages = prop::collection::vec((0..2u8, tokens()), 0..4).prop_map(|mut passages| {
        passages.sort_by_key(|(role, _)| *role);
        passages
    });
    prop_oneof![
        12 => (-2..40i64, passages).prop_map(|(row, passages)| Step::Put(row, passages)),
        3 => (-2..40i64).prop_map(Step::Remove),
        3 => Just(Step::Persist),
        2 => (0..6usize, 0..4usize).prop_map(|(first, count)| Step::BeginMerge(first, count)),
        6 => Just(Step::Page),
    ]
}

fn query() -> impl Strategy<Value = (Vec<Word>, Vec<Phrase>)> {
    let form = (0..TERMS.len() + 1, prop::bool::weighted(0.2)).prop_map(|(term, prefix)| {
        let term = TERMS.get(term).copied().unwrap_or("missing").to_owned();
        Form { term, prefix }
    });
    let weight = prop_oneof![4 => Just(1.0f32), 1 => Just(0.0), 1 => Just(0.2)];
    let word = (prop::collection::vec(form, 1..4), weight).prop_map(|(forms, weight)| Word {
        text: String::new(),
        forms,
        weight,
    });
    prop::collection::vec(word, 1..5).prop_flat_map(|words| {
        let kind = prop_oneof![
            Just(PhraseKind::Written),
            Just(PhraseKind::Quoted),
            Just(PhraseKind::Adjacent),
            Just(PhraseKind::Copied)
        ];
        let phrase =
            (prop::collection::vec(0..words.len(), 1..4), any::<bool>(), kind, prop::bool::weighted(0.1))
                .prop_map(|(words, joined, kind, required)| {
                    let weight = if !kind.is_meant() { 0.3 } else { 1.0 };
                    Phrase { words, joined, kind, required, weight }
                });
        (Just(words), prop::collection::vec(phrase, 0..4))
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(0x5eed),
        ..ProptestConfig::with_cases(300)
    })]

    #[test]
    fn an_index_in_any_state_finds_what_the_passages_hold(
        steps in prop::collection::vec(step(), 1..60),
        queries in prop::collection::vec((query(), 1..12usize, any::<bool>()), 1..6),
    ) {
        let (mut index, mut naive) = (Index::default(), Naive::default());
        steps.iter().for_each(|step| index.run(step, &mut naive));
        let mut scratch = Scratch::default();
        for ((words, phrases), limit, half) in &queries {
            let admitted = |row: i64| !half || row % 2 == 0;
            let request = Request { words, phrases, admitted: &admitted, limit: *limit, cancel: None };
            prop_assert_eq!(index.search(&request, &mut scratch), naive.search(&request));
        }
        for (docs, pages) in &index.segments {
            prop_assert_eq!(verify(docs, pages, &mut || Ok(())).unwrap(), []);
        }
        // What lives has the checks of an index that never held anything else.
        let fresh = naive.builder().build().0;
        let mut living: Vec<(PassageKey, u32)> = Vec::new();
        for ((docs, _), dead) in index.segments.iter().zip(index.dead()) {
            let passages = docs.passages();
            let ordinals = (0..passages.len() as u32).filter(|&ordinal| !dead.contains(ordinal));
            living.extend(ordinals.map(|ordinal| (passages.key(ordinal), passages.check(ordinal))));
        }
        let delta = index.delta.build().0;
        living.extend((0..delta.passages().len() as u32).map(|ordinal| (delta.passages().key(ordinal), delta.passages().check(ordinal))));
        living.sort_unstable();
        let expected: Vec<(PassageKey, u32)> = (0..fresh.passages().len() as u32)
            .map(|ordinal| (fresh.passages().key(ordinal), fresh.passages().check(ordinal)))
            .collect();
        prop_assert_eq!(living, expected);
    }
}
