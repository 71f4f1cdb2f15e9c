//! The reference: the definition, written down.

use std::collections::BTreeMap;

use crate::check::{check_dimensions, check_search, check_upsert};
use crate::{Error, Key, Neighbor, SearchOptions, VectorIndex, VectorSearch, VectorSource, similarity};

/// A map from key to row, searched by looking at every row with [`similarity`](crate::similarity()) and sorting.
#[derive(Debug, Clone)]
pub struct NaiveIndex {
    dimensions: usize,
    rows: BTreeMap<Key, Vec<f32>>,
}

impl NaiveIndex {
    /// An empty index.
    ///
    /// # Panics
    /// If `dimensions` is out of range.
    #[must_use]
    pub fn new(dimensions: usize) -> Self {
        check_dimensions(dimensions).unwrap();
        Self { dimensions, rows: BTreeMap::new() }
    }

    /// The keys, ascending.
    pub fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        self.rows.keys().copied()
    }

    pub(crate) fn clear_all(&mut self) {
        self.rows.clear();
    }

    /// The row of a key.
    #[must_use]
    pub fn row(&self, key: Key) -> Option<&[f32]> {
        self.rows.get(&key).map(Vec::as_slice)
    }
}

impl VectorSearch for NaiveIndex {
    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn search(&self, query: &[f32], options: &SearchOptions<'_>) -> Result<Vec<Neighbor>, Error> {
        check_search(query, self.dimensions, Some(1), options)?;
        let mut out: Vec<Neighbor> = Vec::new();
        // Keys ascend, so a later row replaces an entry's best only if it is strictly better.
        for (&key, row) in self.rows.iter().filter(|(key, _)| options.admits(**key)) {
            let hit = Neighbor { key, similarity: similarity(query, row) };
            match out.last_mut() {
                Some(best) if best.key.entry == key.entry => {
                    if hit.similarity > best.similarity {
                        *best = hit;
                    }
                }
                _ => out.push(hit),
            }
        }
        out.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(a.key.entry.cmp(&b.key.entry)));
        options.truncate(&mut out);
        Ok(out)
    }

    fn memory_bytes(&self) -> usize {
        self.rows.len() * (size_of::<Key>() + size_of::<Vec<f32>>() + self.dimensions * size_of::<f32>())
    }
}

impl VectorIndex for NaiveIndex {
    fn upsert(&mut self, keys: &[Key], rows: &[f32]) -> Result<(), Error> {
        check_upsert(keys, rows, self.dimensions)?;
        let rows = rows.chunks_exact(self.dimensions).map(<[f32]>::to_vec);
        self.rows.extend(keys.iter().copied().zip(rows));
        Ok(())
    }

    fn remove(&mut self, keys: &[Key]) -> Result<usize, Error> {
        Ok(keys.iter().filter(|key| self.rows.remove(key).is_some()).count())
    }

    fn remove_entry(&mut self, entry: i64) -> Result<usize, Error> {
        let before = self.rows.len();
        self.rows.retain(|key, _| key.entry != entry);
        Ok(before - self.rows.len())
    }

    fn clear(&mut self) -> Result<(), Error> {
        self.rows.clear();
        Ok(())
    }
}

impl VectorSource for NaiveIndex {
    fn rows(&self, keys: &[Key], out: &mut Vec<f32>) -> Result<(), Error> {
        for &key in keys {
            out.extend_from_slice(self.row(key).ok_or(Error::MissingRow { key })?);
        }
        Ok(())
    }
}
