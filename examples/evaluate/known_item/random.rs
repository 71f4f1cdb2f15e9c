//! Choices that look random and are the same for the same seed.

/// SplitMix64.
pub(super) struct Random(u64);

impl Random {
    /// Each use of the same seed has its own name, so that a longer list of one does not change the others.
    pub(super) fn new(seed: u64, name: &str) -> Self {
        Self(name.bytes().fold(seed, |state, byte| mixed(state ^ u64::from(byte))))
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        (mixed(self.0) % limit.max(1) as u64) as usize
    }

    /// Fisher and Yates.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

fn mixed(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
