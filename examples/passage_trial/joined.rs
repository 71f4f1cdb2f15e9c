//! Notes without headings, joined to one.

use std::collections::HashSet;
use std::ops::Range;

use rekall::NewEntry;
use rekall::model::Embedder;

use crate::judged::{Failure, JudgedSet};
use crate::ranked::{Bonus, Collection};

/// A note made of documents that each answer a query of their own.
pub(crate) struct Joined<'a> {
    entry: NewEntry,
    /// Numbers of the documents, which are no notes of their own any more.
    documents: HashSet<usize>,
    parts: Vec<Part<'a>>,
}

/// One of the documents.
struct Part<'a> {
    query: &'a str,
    document: usize,
    /// Where it stands in the note's text.
    bytes: Range<usize>,
}

/// What became of the query of one part.
pub(crate) struct Found {
    /// Place of the joined note, from 1.
    pub(crate) rank: usize,
    /// Place of the part among the other notes while it is one, too.
    pub(crate) rank_alone: usize,
    /// Whether at least half of the part is in the joined note's best passage, or half of that in the part.
    pub(crate) is_right_passage: bool,
}

impl<'a> Joined<'a> {
    /// Joins `count` documents, other ones for each seed.
    pub(crate) fn of(judged: &'a JudgedSet, count: usize, seed: u64) -> Self {
        const TITLE: &str = "Notes";
        let mut queries: Vec<(&str, usize)> = Vec::new();
        for query in &judged.queries {
            let Some(relevant) = judged.judgments.get(&query.id).filter(|relevant| relevant.len() == 1)
            else {
                continue;
            };
            let document = judged.docs.iter().position(|doc| relevant.contains_key(&doc.id));
            queries.extend(document.map(|document| (query.text.as_str(), document)));
        }
        shuffle(&mut queries, seed);
        let mut joined = Self { entry: NewEntry::new(TITLE), documents: HashSet::new(), parts: Vec::new() };
        for (query, document) in queries {
            if joined.parts.len() == count || !joined.documents.insert(document) {
                continue;
            }
            let content = &mut joined.entry.content;
            if !content.is_empty() {
                content.push_str("\n\n");
            }
            let start = TITLE.len() + 1 + content.len();
            content.push_str(judged.docs[document].text.trim());
            let bytes = start..TITLE.len() + 1 + content.len();
            joined.parts.push(Part { query, document, bytes });
        }
        joined
    }

    /// Asks each part's query: `others` are all documents.
    pub(crate) fn measure(
        &self,
        others: &Collection,
        length: usize,
        bonus: Bonus,
        model: &dyn Embedder,
    ) -> Result<Vec<Found>, Failure> {
        let note = Collection::of(std::slice::from_ref(&self.entry), length, model)?;
        let mut found = Vec::with_capacity(self.parts.len());
        for Part { query, document, bytes } in &self.parts {
            let (Some(own), Some(scores)) =
                (note.scores(query, bonus, model)?, others.scores(query, bonus, model)?)
            else {
                continue;
            };
            let rank = |own: f32| {
                let is_better = |(document, score): &(usize, &f32)| {
                    !self.documents.contains(document) && score.total_cmp(&own).is_gt()
                };
                1 + scores.iter().enumerate().filter(is_better).count()
            };
            let passage = note.best_passage(0, query, model)?;
            let overlap = bytes.end.min(passage.end).saturating_sub(bytes.start.max(passage.start));
            found.push(Found {
                rank: rank(own[0]),
                rank_alone: rank(scores[*document]),
                is_right_passage: 2 * overlap >= bytes.len().min(passage.len()),
            });
        }
        Ok(found)
    }
}

/// Puts what is to be drawn from into an order that the seed decides (Fisher and Yates, SplitMix64).
fn shuffle<T>(values: &mut [T], seed: u64) {
    let mut state = seed;
    for last in (1..values.len()).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        values.swap(last, (mixed % (last as u64 + 1)) as usize);
    }
}
