//! Where each key's row is: 4 bytes a row.

use std::sync::Arc;

use crate::Key;

/// Shards. A write copies one of them if a snapshot shares it: at a million rows 16 KB.
const SHARDS: usize = 256;

/// Positions of rows, sharded by entry and in each shard sorted by key. The keys themselves stand with the rows, so every
/// method is given a way to look them up.
///
/// Sorted lists rather than a hash table: they take a third of the memory, all rows of an entry lie together (an entry
/// may have thousands), and loading in key order only appends.
#[derive(Debug, Clone)]
pub(crate) struct Positions {
    shards: Vec<Arc<Vec<u32>>>,
}

impl Default for Positions {
    fn default() -> Self {
        // All shards share one empty list until they are written.
        let empty = Arc::new(Vec::new());
        Self { shards: vec![empty; SHARDS] }
    }
}

impl Positions {
    /// The positions of `keys`, which are those of rows 0, 1, 2 …; fails with a key that comes twice.
    pub(super) fn build<'a>(
        keys: impl Iterator<Item = &'a Key> + Clone,
        key_of: impl Fn(u32) -> Key,
    ) -> Result<Self, Key> {
        let mut counts = [0; SHARDS];
        keys.clone().for_each(|key| counts[shard_of(key.entry)] += 1);
        let mut shards: Vec<Vec<u32>> = counts.iter().map(|&count| Vec::with_capacity(count)).collect();
        for (position, key) in keys.enumerate() {
            // The caller has no more rows than fit.
            shards[shard_of(key.entry)].push(position as u32);
        }
        for shard in &mut shards {
            if !shard.is_sorted_by_key(|&position| key_of(position)) {
                shard.sort_unstable_by_key(|&position| key_of(position));
            }
            if let Some(twice) = shard.windows(2).find(|pair| key_of(pair[0]) == key_of(pair[1])) {
                return Err(key_of(twice[0]));
            }
        }
        Ok(Self { shards: shards.into_iter().map(Arc::new).collect() })
    }

    pub(super) fn find(&self, key: Key, key_of: impl Fn(u32) -> Key) -> Option<u32> {
        let shard = &self.shards[shard_of(key.entry)];
        let index = search(shard, key, key_of).ok()?;
        Some(shard[index])
    }

    pub(super) fn find_entry(&self, entry: i64, key_of: impl Fn(u32) -> Key) -> &[u32] {
        let shard = &self.shards[shard_of(entry)];
        let start = shard.partition_point(|&position| key_of(position).entry < entry);
        let length = shard[start..].partition_point(|&position| key_of(position).entry == entry);
        &shard[start..start + length]
    }

    /// Adds a key that is not there. `position` need not be known to `key_of` yet.
    pub(super) fn insert(&mut self, key: Key, position: u32, key_of: impl Fn(u32) -> Key) {
        let shard = Arc::make_mut(&mut self.shards[shard_of(key.entry)]);
        let index = match search(shard, key, key_of) {
            Ok(index) => {
                shard[index] = position;
                return;
            }
            Err(index) => index,
        };
        if shard.len() == shard.capacity() {
            // An eighth at a time: doubling would leave a third of the list idle on average.
            shard.reserve_exact(shard.len() / 8 + 4);
        }
        shard.insert(index, position);
    }

    pub(super) fn remove(&mut self, key: Key, key_of: impl Fn(u32) -> Key) -> Option<u32> {
        let slot = &mut self.shards[shard_of(key.entry)];
        let index = search(slot, key, key_of).ok()?;
        let shard = Arc::make_mut(slot);
        let position = shard.remove(index);
        if shard.len() * 2 < shard.capacity() {
            shard.shrink_to(shard.len() + shard.len() / 8);
        }
        Some(position)
    }

    /// Notes that the row of `key` is at `position` from now on.
    pub(super) fn relocate(&mut self, key: Key, position: u32, key_of: impl Fn(u32) -> Key) {
        let slot = &mut self.shards[shard_of(key.entry)];
        if let Ok(index) = search(slot, key, key_of) {
            Arc::make_mut(slot)[index] = position;
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let shards: usize = self.shards.iter().map(|shard| shard.capacity() * size_of::<u32>()).sum();
        shards + self.shards.len() * size_of::<Arc<Vec<u32>>>()
    }
}

/// Fibonacci hashing: neighboring ids go to different shards.
fn shard_of(entry: i64) -> usize {
    (entry.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - SHARDS.ilog2())) as usize
}

fn search(shard: &[u32], key: Key, key_of: impl Fn(u32) -> Key) -> Result<usize, usize> {
    // Hosts load in key order: then the new key goes behind the last.
    match shard.last() {
        Some(&last) if key_of(last) < key => Err(shard.len()),
        _ => shard.binary_search_by(|&position| key_of(position).cmp(&key)),
    }
}
