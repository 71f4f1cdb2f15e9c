//! Two limits as one weight.
//!
//! quick_cache knows a single capacity. An entry therefore weighs the larger of its two shares,
//! `max(bytes / max_bytes, 1 / max_entries)`, in integers: both sides are multiplied by
//! `max_bytes * max_entries`, and shifted right where that would not fit. Weights round up and the
//! capacity rounds down, so a set of entries that fits by weight fits by both limits.

/// No capacity is above this, so that sums of weights stay far from overflow.
const CAPACITY_BITS: u32 = 60;
const MAX_CAPACITY: u64 = 1 << CAPACITY_BITS;

/// What quick_cache reserves for entries that were read again; its own default.
const HOT_SHARE: f64 = 0.97;

/// An assumed entry size if only bytes are limited: it determines the memory for the hashes of evicted keys.
const TYPICAL_ENTRY_BYTES: u64 = 1024;
const MAX_ESTIMATED_ENTRIES: u64 = 1 << 20;

/// The limits of a cache, and what an entry weighs under them.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    max_entries: Option<u64>,
    max_bytes: Option<u64>,
    /// Right shift that brings `max_entries * max_bytes` into `CAPACITY_BITS`; 0 unless both are set.
    shift: u32,
}

impl Limits {
    pub(crate) fn new(max_entries: Option<u64>, max_bytes: Option<u64>) -> Self {
        let mut limits = Self { max_entries, max_bytes, shift: 0 };
        if let Some(product) = limits.product() {
            limits.shift = (u128::BITS - product.leading_zeros()).saturating_sub(CAPACITY_BITS);
        }
        limits
    }

    fn product(&self) -> Option<u128> {
        Some(u128::from(self.max_entries?) * u128::from(self.max_bytes?))
    }

    /// The capacity in the unit of [`weigh`](Self::weigh).
    pub(crate) fn capacity(&self) -> u64 {
        match (self.product(), self.max_entries, self.max_bytes) {
            (Some(product), ..) => narrow(product >> self.shift),
            (None, Some(limit), _) | (None, _, Some(limit)) => limit.min(MAX_CAPACITY),
            (None, None, None) => MAX_CAPACITY,
        }
    }

    /// What an entry of this many bytes weighs; at least 1, for weight 0 would escape eviction.
    pub(crate) fn weigh(&self, bytes: u64) -> u64 {
        match (self.max_entries, self.max_bytes) {
            (Some(max_entries), Some(max_bytes)) => {
                let share = (u128::from(bytes) * u128::from(max_entries)).max(u128::from(max_bytes));
                let rounding = (1_u128 << self.shift) - 1;
                narrow(share.saturating_add(rounding) >> self.shift).max(1)
            }
            (None, Some(_)) => bytes.max(1),
            (_, None) => 1,
        }
    }

    /// If there is room for a single entry, all of it is hot, because 97 % of one entry would hold none.
    pub(crate) fn hot_share(&self) -> f64 {
        if self.max_entries == Some(1) { 1.0 } else { HOT_SHARE }
    }

    pub(crate) fn estimated_entries(&self) -> usize {
        let entries = match (self.max_entries, self.max_bytes) {
            (Some(entries), _) => entries,
            (None, Some(bytes)) => bytes / TYPICAL_ENTRY_BYTES,
            (None, None) => TYPICAL_ENTRY_BYTES,
        };
        entries.min(MAX_ESTIMATED_ENTRIES) as usize
    }
}

fn narrow(wide: u128) -> u64 {
    u64::try_from(wide).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_limit_is_exact() {
        let entries = Limits::new(Some(10), None);
        assert_eq!((entries.capacity(), entries.weigh(5_000)), (10, 1));
        let bytes = Limits::new(None, Some(10_000));
        assert_eq!((bytes.capacity(), bytes.weigh(5_000)), (10_000, 5_000));
    }

    #[test]
    fn equal_entries_fill_whichever_limit_is_tighter() {
        // Ten entries of 100 bytes: first entries bind, then bytes.
        for (max_entries, max_bytes) in [(10, 5_000), (50, 1_000), (10, 1_000)] {
            let limits = Limits::new(Some(max_entries), Some(max_bytes));
            assert_eq!(limits.capacity() / limits.weigh(100), 10, "{max_entries} {max_bytes}");
        }
    }

    #[test]
    fn whatever_fits_by_weight_fits_by_both_limits() {
        let figures = [1, 2, 3, 7, 1000, 4096, 999_983, 1 << 33, (1 << 50) + 1, u64::MAX];
        for max_entries in figures {
            for max_bytes in figures {
                let limits = Limits::new(Some(max_entries), Some(max_bytes));
                assert!(limits.capacity() <= MAX_CAPACITY);
                for bytes in figures {
                    let fitting = u128::from(limits.capacity() / limits.weigh(bytes));
                    assert!(fitting <= u128::from(max_entries), "{max_entries} {max_bytes} {bytes}");
                    let total = fitting.saturating_mul(u128::from(bytes));
                    assert!(total <= u128::from(max_bytes), "{max_entries} {max_bytes} {bytes}");
                }
            }
        }
    }

    #[test]
    fn zero_admits_nothing() {
        for limits in [
            Limits::new(Some(0), None),
            Limits::new(None, Some(0)),
            Limits::new(Some(0), Some(1_000)),
            Limits::new(Some(1_000), Some(0)),
            Limits::new(Some(0), Some(0)),
        ] {
            assert_eq!(limits.capacity(), 0);
            assert!(limits.weigh(0) > 0 && limits.weigh(100) > 0);
        }
    }
}
