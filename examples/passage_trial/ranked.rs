//! Entries by the similarity of their passages.

use std::ops::{ControlFlow, Range};

use rekall::NewEntry;
use rekall::model::{Embedder, Error, embed_in_parts};
use rekall::storage::EntryPassages;

use crate::judged::Failure;

/// What an entry gets for passages besides its best one.
#[derive(Clone, Copy)]
pub(crate) enum Bonus {
    None,
    /// A twentieth of the second best similarity.
    Second,
}

/// A passage's vector, and where it stands in its entry's text.
struct Passage {
    bytes: Range<usize>,
    vector: Vec<f32>,
}

/// Entries, each with its passages; one without a vector has none.
pub(crate) struct Collection {
    entries: Vec<Vec<Passage>>,
}

impl Collection {
    /// Cuts the entries into passages of a length, and embeds these.
    pub(crate) fn of(entries: &[NewEntry], length: usize, model: &dyn Embedder) -> Result<Self, Failure> {
        let mut passages = Vec::new();
        for (number, entry) in entries.iter().enumerate() {
            for passage in EntryPassages::of_length(entry.into(), length).iter() {
                passages.push((number, passage.bytes(), passage.embedded_text().into_owned()));
            }
        }
        let texts: Vec<&str> = passages.iter().map(|(_, _, text)| text.as_str()).collect();
        let made = embed_in_parts(model, &texts, |_| ControlFlow::Continue(()))?;
        let mut collection = Self { entries: entries.iter().map(|_| Vec::new()).collect() };
        for (at, (number, bytes, _)) in passages.into_iter().enumerate() {
            let vector = made.row(at).map(|row| Passage { bytes, vector: row.to_vec() });
            collection.entries[number].extend(vector);
        }
        Ok(collection)
    }

    /// The number of vectors.
    pub(crate) fn passages(&self) -> usize {
        self.entries.iter().map(Vec::len).sum()
    }

    /// Each entry's score, and nothing for a query without a vector.
    pub(crate) fn scores(
        &self,
        query: &str,
        bonus: Bonus,
        model: &dyn Embedder,
    ) -> Result<Option<Vec<f32>>, Failure> {
        let query = match model.embed_query(query) {
            Ok(query) => query,
            Err(Error::Unembeddable { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let score = |passages: &Vec<Passage>| {
            let (mut best, mut second) = (f32::NEG_INFINITY, 0.0);
            for passage in passages {
                let similarity = dot(&query, &passage.vector);
                if similarity > best {
                    second = best;
                    best = similarity;
                } else if similarity > second {
                    second = similarity;
                }
            }
            match bonus {
                Bonus::None => best,
                Bonus::Second => best + second.max(0.0) / 20.0,
            }
        };
        Ok(Some(self.entries.iter().map(score).collect()))
    }

    /// Where the best passage of an entry stands in its text.
    pub(crate) fn best_passage(
        &self,
        entry: usize,
        query: &str,
        model: &dyn Embedder,
    ) -> Result<Range<usize>, Failure> {
        let query = model.embed_query(query)?;
        let near = |passage: &&Passage| dot(&query, &passage.vector);
        let best = self.entries[entry].iter().max_by(|a, b| near(a).total_cmp(&near(b)));
        Ok(best.map_or(0..0, |passage| passage.bytes.clone()))
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
