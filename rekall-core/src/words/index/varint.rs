//! Numbers of variable length: seven bits a byte, lowest first; all bytes but the last have the highest bit set.

/// Appends `value`.
pub(super) fn push(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads from the front of bytes; every method gives `None` when they end too early or the number is too large.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Bytes not read yet.
    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    #[inline]
    pub(super) fn u64(&mut self) -> Option<u64> {
        let (&first, rest) = self.rest.split_first()?;
        if first < 0x80 {
            self.rest = rest;
            return Some(u64::from(first));
        }
        self.long()
    }

    fn long(&mut self) -> Option<u64> {
        let mut value = 0;
        for (index, &byte) in self.rest.iter().enumerate().take(10) {
            let bits = u64::from(byte & 0x7f);
            if index == 9 && bits > 1 {
                return None;
            }
            value |= bits << (7 * index);
            if byte < 0x80 {
                self.rest = &self.rest[index + 1..];
                return Some(value);
            }
        }
        None
    }

    #[inline]
    pub(super) fn u32(&mut self) -> Option<u32> {
        self.u64()?.try_into().ok()
    }

    /// The next `length` bytes.
    pub(super) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }

    /// Leaves out `count` numbers. Whether each is in range is not looked at.
    pub(super) fn skip(&mut self, mut count: usize) -> Option<()> {
        // A number ends with each byte whose highest bit is clear: eight bytes a step.
        while count >= 8 {
            let (word, _) = self.rest.split_first_chunk::<8>()?;
            count -= (!u64::from_le_bytes(*word) & 0x8080_8080_8080_8080).count_ones() as usize;
            self.rest = &self.rest[8..];
        }
        while count > 0 {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            count -= usize::from(byte < 0x80);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_and_skipped(numbers in prop::collection::vec(prop_oneof![0..300u64, any::<u64>()], 0..40), split in 0..40usize) {
            let mut bytes = Vec::new();
            numbers.iter().for_each(|&number| push(&mut bytes, number));
            let mut reader = Reader::new(&bytes);
            let split = split.min(numbers.len());
            prop_assert_eq!(reader.skip(split), Some(()));
            for &number in &numbers[split..] {
                prop_assert_eq!(reader.u64(), Some(number));
            }
            prop_assert_eq!(reader.remaining(), 0);
            prop_assert_eq!(reader.u64(), None);
            prop_assert_eq!(reader.skip(1), None);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut reader = Reader::new(&bytes);
            while reader.u64().is_some() {}
            prop_assert!(reader.remaining() <= bytes.len());
        }
    }
}
