//! How similar entries of the file are that have nothing to do with each other: a sample of its entries, by which a
//! similarity is judged.
//!
//! What a similarity means differs from model to model, and with one model from language to language: in a language that a
//! model hardly knows, everything is like everything. So the default threshold of [`similar_to`](crate::Rekall::similar_to)
//! comes from the entries around the given one, which are of its language, and not from the file as a whole.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rekall_core::{LogPosition, Role, Space, SpaceId};
use rekall_index::similarity;

use crate::vector_index::Snapshot;
use crate::{Error, Rekall};

/// Entries in the sample.
const ENTRIES: usize = 1024;
/// Vectors in the sample: entries of many passages are fewer.
const VECTORS: usize = 2048;
/// Entries whose vectors are read at once: on a server each read is a round trip, and an entry may have many.
const AT_ONCE: usize = 32;
/// Entries of the sample around the given one. A language with that many entries in the sample is judged by itself.
const AROUND: usize = 16;
/// The share of the pairs around the given entry that are less similar than the threshold. Stricter than the 99 % that is
/// promised of pairs of a whole language does not have to be: entries around the given one are more like each other.
const STRICTNESS: f64 = 0.98;
/// What is as similar as that is a copy, however alike the entries around are.
const COPY: f32 = 0.98;
/// The threshold in a file with too few entries to judge by.
const FALLBACK: f32 = 0.75;
/// Pairs of the sample by which a similarity is ranked among those of the file.
const PAIRS: usize = 16_384;

/// The sample of the state of the file that was asked about last.
#[derive(Debug, Default)]
pub(crate) struct BaseSimilarity(Mutex<Option<Arc<Sample>>>);

/// Entries, evenly spread over the file, with the vectors of their summaries.
#[derive(Debug)]
pub(super) struct Sample {
    position: LogPosition,
    space: SpaceId,
    entries: Vec<SampledEntry>,
    /// Similarities of pairs of entries, ascending.
    pairs: OnceLock<Vec<f32>>,
}

#[derive(Debug)]
struct SampledEntry {
    row: i64,
    vectors: Vec<Box<[f32]>>,
}

impl BaseSimilarity {
    /// The sample of the snapshot's state: the same one in every process. Reads up to 1,024 entries, some milliseconds, once
    /// for each state of the file.
    pub(super) fn sample(&self, snapshot: &Snapshot<'_>, space: &Space) -> Result<Arc<Sample>, Error> {
        let position = snapshot.view.position;
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = lock().clone();
        if let Some(sample) = last.filter(|last| last.position == position && last.space == space.id) {
            return Ok(sample);
        }
        let sample = Arc::new(Sample::read(snapshot, space, position)?);
        *lock() = Some(Arc::clone(&sample));
        Ok(sample)
    }

    /// Frees the sample.
    pub(crate) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Sample {
    fn read(snapshot: &Snapshot<'_>, space: &Space, position: LogPosition) -> Result<Self, Error> {
        let mut entries = Vec::new();
        let mut vectors = 0;
        'all: for rows in snapshot.tx.sample_of_entries(space.id, Role::Summary, ENTRIES)?.chunks(AT_ONCE) {
            let batch = snapshot.tx.vectors_of(space, rows)?;
            let mut of_summary = batch
                .keys
                .iter()
                .zip(batch.rows.chunks_exact(space.dimensions))
                .filter(|(key, _)| key.role == Role::Summary.number())
                .peekable();
            for &row in rows {
                let own = std::iter::from_fn(|| of_summary.next_if(|(key, _)| key.entry == row));
                let entry = SampledEntry { row, vectors: own.map(|(_, vector)| vector.into()).collect() };
                vectors += entry.vectors.len();
                // One entry always, however many passages it has; and then no more than fit.
                if vectors > VECTORS && !entries.is_empty() {
                    break 'all;
                }
                entries.push(entry);
            }
        }
        Ok(Self { position, space: space.id, entries, pairs: OnceLock::new() })
    }

    /// The similarity from which an entry with these vectors is more like another one than nearly all entries are that are
    /// around it.
    pub(super) fn threshold(&self, row: i64, vectors: &[&[f32]]) -> f32 {
        let mut others: Vec<(f32, &SampledEntry)> = self
            .entries
            .iter()
            .filter(|entry| entry.row != row)
            .filter_map(|entry| Some((nearest(vectors.iter().copied(), &entry.vectors)?, entry)))
            .collect();
        if others.len() < AROUND {
            return FALLBACK;
        }
        others.sort_by(|(a, first), (b, second)| b.total_cmp(a).then(first.row.cmp(&second.row)));
        others.truncate(AROUND);
        let mut pairs: Vec<f32> = others
            .iter()
            .enumerate()
            .flat_map(|(at, (_, a))| others[at + 1..].iter().map(move |(_, b)| a.similarity(b)))
            .flatten()
            .collect();
        pairs.sort_by(f32::total_cmp);
        let at = (STRICTNESS * pairs.len() as f64) as usize;
        pairs.get(at).map_or(FALLBACK, |similarity| similarity.min(COPY))
    }

    /// The share of pairs of entries that are less similar; `None` without a pair.
    fn share_below(&self, similarity: f32) -> Option<f32> {
        let pairs = self.pairs.get_or_init(|| self.pairs());
        let below = pairs.partition_point(|&pair| pair < similarity);
        (!pairs.is_empty()).then(|| (below as f64 / pairs.len() as f64) as f32)
    }

    /// Each entry with the first, second, ... one after it, until there are enough.
    fn pairs(&self) -> Vec<f32> {
        let count = self.entries.len();
        let all = (1..count).flat_map(|step| (0..count - step).map(move |at| (at, at + step)));
        let mut pairs: Vec<f32> =
            all.take(PAIRS).filter_map(|(a, b)| self.entries[a].similarity(&self.entries[b])).collect();
        pairs.sort_by(f32::total_cmp);
        pairs
    }
}

impl SampledEntry {
    fn similarity(&self, other: &Self) -> Option<f32> {
        nearest(self.vectors.iter().map(|vector| &**vector), &other.vectors)
    }
}

/// The similarity of two entries as [`similar_to`](crate::Rekall::similar_to) sees it: that of their nearest passages.
fn nearest<'a>(these: impl Iterator<Item = &'a [f32]>, those: &[Box<[f32]>]) -> Option<f32> {
    these.flat_map(|a| those.iter().map(move |b| similarity(a, b))).max_by(f32::total_cmp)
}

impl Rekall {
    /// What a similarity is worth in this file: the share, 0 to 1, of pairs of its entries that are less similar. With it
    /// similarities of different models can be compared: 0.99 is "more alike than 99 of 100 pairs of entries" with each of
    /// them. `None` when the file has no two entries with vectors.
    ///
    /// The pairs are those of a sample of at most 1,024 entries, the same in every process and for each state of the
    /// file; taking it costs some milliseconds after a change and nothing until the next one. Entries are compared with
    /// entries: with a model that embeds queries in another way, a query's similarities lie elsewhere.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("host's model", 2).open()?;
    /// assert_eq!(rekall.similarity_rank(0.5)?, None);
    /// rekall.remember_with_vector(NewEntry::new("disk full"), &[0.6, 0.8])?;
    /// rekall.remember_with_vector(NewEntry::new("no space left"), &[0.8, 0.6])?;
    /// rekall.remember_with_vector(NewEntry::new("bread"), &[-0.8, 0.6])?;
    /// // Of the three pairs one is as similar as 0.96.
    /// assert_eq!(rekall.similarity_rank(0.9)?, Some(2.0 / 3.0));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] when the file cannot be read.
    pub fn similarity_rank(&self, similarity: f32) -> Result<Option<f32>, Error> {
        self.vector_index.consistently(None, |snapshot| {
            let Some(space) = &snapshot.view.space else { return Ok(None) };
            Ok(self.base_similarity.sample(snapshot, space)?.share_below(similarity))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NewEntry;

    /// A memory of vectors that point nearly the same way (`spread` is small), or all ways.
    fn memory(entries: usize, spread: f32) -> (tempfile::TempDir, Rekall) {
        let folder = tempfile::tempdir().unwrap();
        let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("host", 8).open().unwrap();
        for number in 0..entries {
            rekall.remember_with_vector(NewEntry::new("one"), &vector(number, spread)).unwrap();
        }
        (folder, rekall)
    }

    fn vector(number: usize, spread: f32) -> Vec<f32> {
        let mut state = number as u32 + 1;
        let mut vector = vec![1.0_f32; 8];
        for value in &mut vector {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *value += spread * ((state >> 8) as f32 / (1 << 24) as f32 - 0.5);
        }
        vector
    }

    #[test]
    fn the_threshold_follows_how_alike_the_entries_of_the_file_are() {
        let thresholds = [0.5, 3.0].map(|spread| {
            let (_folder, rekall) = memory(200, spread);
            let id = rekall.list(crate::Filter::default(), None, 1).unwrap()[0].id;
            rekall.similar_to(id).run().unwrap().threshold.unwrap()
        });
        assert!(thresholds[0] > 0.97 && thresholds[0] <= COPY, "{thresholds:?}");
        assert!(thresholds[1] < 0.97, "{thresholds:?}");
    }
}
