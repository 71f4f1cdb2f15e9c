//! A backend of one's own: the model to imitate, and the whole of what it takes.
//!
//! [`PrefixIndex`] is for models whose first components carry most of the meaning (trained as "Matryoshka" embeddings, or
//! turned by a PCA). It looks at the first components of a row, and reads the rest only if the row could still be
//! among the nearest. What to take from it:
//!
//! - input is checked before anything else, with the crate's errors;
//! - rows may be passed over only by a *proof* that they can't belong to the result, rounding included;
//! - what is returned is always [`similarity`], so every bit is as the contract says;
//! - filters come before the choice, entries are counted rather than rows, ties go to the lower key;
//! - the cancel flag is looked at between blocks;
//! - `conformance!` runs on it: `tests/own_backend.rs`.
//!
//! Run it: `cargo run --release -p rekall-index --example own_backend`

use std::collections::BTreeMap;

use rekall_index::{
    Error, Key, Neighbor, SearchOptions, VectorIndex, VectorSearch, check_vectors, similarity,
};

/// Exact search that reads most rows only in part.
///
/// Memory: 4 × dimensions + 60 bytes a row or so. Search: O(rows × prefix), and the whole of the rows that pass.
#[derive(Debug, Clone)]
pub struct PrefixIndex {
    dimensions: usize,
    prefix: usize,
    keys: Vec<Key>,
    rows: Vec<f32>,
    /// Of each row, the norm of what follows the prefix.
    rests: Vec<f64>,
    /// Where each key's row is.
    places: BTreeMap<Key, usize>,
}

/// Room for rounding: of the prefix's similarity and of the row's (2⁻²⁴ each, for norms up to 1.001), and of the norms.
const SLACK: f64 = 4.0 * f32::EPSILON as f64;
/// Rows between two looks at the cancel flag: far below a millisecond of work.
const BLOCK: usize = 1024;

impl PrefixIndex {
    /// An empty index that looks at the first `prefix` components of a row (at most all of them).
    ///
    /// # Errors
    /// [`Error::InvalidDimensions`].
    pub fn new(dimensions: usize, prefix: usize) -> Result<Self, Error> {
        // No vector at all, of so many dimensions: what is wrong with those is found out.
        check_vectors(&[], dimensions, None)?;
        let (keys, rows, rests, places) = Default::default();
        Ok(Self { dimensions, prefix: prefix.min(dimensions), keys, rows, rests, places })
    }

    fn row(&self, place: usize) -> &[f32] {
        &self.rows[place * self.dimensions..(place + 1) * self.dimensions]
    }

    /// The norm of what follows the prefix.
    fn rest(&self, vector: &[f32]) -> f64 {
        vector[self.prefix..].iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt()
    }

    fn upsert_one(&mut self, key: Key, row: &[f32]) {
        let rest = self.rest(row);
        if let Some(&place) = self.places.get(&key) {
            self.rows[place * self.dimensions..(place + 1) * self.dimensions].copy_from_slice(row);
            self.rests[place] = rest;
        } else {
            self.places.insert(key, self.keys.len());
            self.keys.push(key);
            self.rows.extend_from_slice(row);
            self.rests.push(rest);
        }
    }

    /// The last row takes the place of the one that goes: no holes, so a search never pays for history.
    fn remove_one(&mut self, key: Key) -> bool {
        let Some(place) = self.places.remove(&key) else { return false };
        let last = self.keys.len() - 1;
        self.keys.swap_remove(place);
        self.rests.swap_remove(place);
        self.rows.copy_within(last * self.dimensions.., place * self.dimensions);
        self.rows.truncate(last * self.dimensions);
        if let Some(&moved) = self.keys.get(place) {
            self.places.insert(moved, place);
        }
        if self.keys.len() * 4 < self.keys.capacity() {
            self.keys.shrink_to(self.keys.len() * 2);
            self.rests.shrink_to(self.keys.len() * 2);
            self.rows.shrink_to(self.rows.len() * 2);
        }
        true
    }
}

impl VectorSearch for PrefixIndex {
    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn len(&self) -> usize {
        self.keys.len()
    }

    fn search(&self, query: &[f32], options: &SearchOptions<'_>) -> Result<Vec<Neighbor>, Error> {
        if options.k == 0 {
            return Err(Error::InvalidK { k: 0 });
        }
        check_vectors(query, self.dimensions, Some(1))?;
        let mut best = Best { options, hits: Vec::new(), threshold: f32::NEG_INFINITY, limit: 0 };
        let (head, rest) = (&query[..self.prefix], self.rest(query));
        for (place, &key) in self.keys.iter().enumerate() {
            if place % BLOCK == 0 {
                options.check_cancelled()?;
            }
            if !options.admits(key) {
                continue;
            }
            // q·x = q₁·x₁ + q₂·x₂, and by Cauchy-Schwarz q₂·x₂ is at most ‖q₂‖‖x₂‖.
            let row = self.row(place);
            let most = f64::from(similarity(head, &row[..self.prefix])) + rest * self.rests[place] + SLACK;
            if most >= f64::from(best.threshold) {
                best.offer(Neighbor { key, similarity: similarity(query, row) });
            }
        }
        best.settle();
        Ok(best.hits)
    }

    fn memory_bytes(&self) -> usize {
        const PLACE: usize = size_of::<Key>() + size_of::<usize>();
        self.keys.capacity() * size_of::<Key>()
            + self.rows.capacity() * size_of::<f32>()
            + self.rests.capacity() * size_of::<f64>()
            // A B-tree's nodes are two thirds full or so.
            + self.places.len() * PLACE * 3 / 2
    }
}

impl VectorIndex for PrefixIndex {
    fn upsert(&mut self, keys: &[Key], rows: &[f32]) -> Result<(), Error> {
        // Everything is checked before the first change.
        let expected = keys.len() * self.dimensions;
        if rows.len() != expected {
            return Err(Error::Dimensions { expected, got: rows.len() });
        }
        if let Some(key) = keys.iter().find(|key| key.role >= Key::ROLES) {
            return Err(Error::InvalidRole { role: key.role });
        }
        check_vectors(rows, self.dimensions, Some(keys.len()))?;
        for (&key, row) in keys.iter().zip(rows.chunks_exact(self.dimensions)) {
            self.upsert_one(key, row);
        }
        Ok(())
    }

    fn remove(&mut self, keys: &[Key]) -> Result<usize, Error> {
        Ok(keys.iter().filter(|&&key| self.remove_one(key)).count())
    }

    fn remove_entry(&mut self, entry: i64) -> Result<usize, Error> {
        let all = Key::new(entry, 0, 0)..=Key::new(entry, u8::MAX, u16::MAX);
        let keys: Vec<Key> = self.places.range(all).map(|(&key, _)| key).collect();
        self.remove(&keys)
    }

    fn clear(&mut self) -> Result<(), Error> {
        *self = Self::new(self.dimensions, self.prefix)?;
        Ok(())
    }
}

/// The best row of each of the k best entries, and some more until they are thinned out.
struct Best<'a> {
    options: &'a SearchOptions<'a>,
    hits: Vec<Neighbor>,
    /// k entries have at least this similarity: less can't be a hit. Equal can, by the lower key or as a tie.
    threshold: f32,
    /// When to thin out next: ties stay, so it is a multiple of what was left.
    limit: usize,
}

impl Best<'_> {
    fn offer(&mut self, hit: Neighbor) {
        if hit.similarity >= self.threshold {
            self.hits.push(hit);
            if self.hits.len() >= self.limit.max(64) {
                self.settle();
                self.limit = self.hits.len().max(self.options.k).saturating_mul(4);
            }
        }
    }

    fn settle(&mut self) {
        self.hits.sort_unstable_by(|a, b| a.key.entry.cmp(&b.key.entry).then_with(|| a.rank_cmp(b)));
        self.hits.dedup_by_key(|hit| hit.key.entry);
        self.hits.sort_unstable_by(Neighbor::rank_cmp);
        self.options.truncate(&mut self.hits);
        if self.hits.len() >= self.options.k
            && let Some(last) = self.hits.last()
        {
            self.threshold = last.similarity;
        }
    }
}

#[allow(clippy::print_stdout, reason = "an example shows what it does")]
fn main() -> Result<(), Error> {
    let (rows, dimensions) = (10_000usize, 256usize);
    // Vectors whose components fall off, out of a formula; a model would make them.
    let vector = |number: usize| {
        let component =
            |i: usize| ((number * 7 + 1) as f32 * (i * i + 1) as f32 * 0.618).sin() / (i + 1) as f32;
        let raw: Vec<f32> = (0..dimensions).map(component).collect();
        let norm = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
        raw.into_iter().map(move |x| x / norm)
    };
    let mut index = PrefixIndex::new(dimensions, 32)?;
    let keys: Vec<Key> = (0..rows as i64).map(|entry| Key::new(entry, 0, 0)).collect();
    index.upsert(&keys, &(0..rows).flat_map(vector).collect::<Vec<f32>>())?;

    let query: Vec<f32> = vector(123_456).collect();
    let hits = index.search(&query, &SearchOptions::new(5))?;
    for hit in hits {
        println!("{:6}  {:.4}", hit.key.entry, hit.similarity);
    }
    Ok(())
}
