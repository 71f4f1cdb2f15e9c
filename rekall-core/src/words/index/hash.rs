//! A fast hash that is kept in files: against damage and mix-ups, not against forgery.

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

/// Hash of `bytes`: eight bytes a step, each xor-ed in and multiplied.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let words = words.iter().chain([&last]).map(|word| u64::from_le_bytes(*word));
    let hash =
        words.fold(bytes.len() as u64, |hash, word| (hash.rotate_left(23) ^ word).wrapping_mul(MULTIPLIER));
    mix(hash)
}

/// Spreads every bit of `value` over all bits of the result.
pub(super) fn mix(mut value: u64) -> u64 {
    value ^= value >> 32;
    value = value.wrapping_mul(MULTIPLIER);
    value ^= value >> 29;
    value = value.wrapping_mul(MULTIPLIER);
    value ^ (value >> 32)
}

/// The lower half of [`hash`], as checksums keep it.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    hash(bytes) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_kept_in_files_stay() {
        let text: Vec<u8> = (0..21).collect();
        let expected = [0, 6_716_206_701_401_233_320, 6_029_645_895_704_513_371];
        assert_eq!([hash(b""), hash(b"cors"), hash(&text)], expected);
    }

    #[test]
    fn every_flipped_bit_changes_the_checksum() {
        let bytes: Vec<u8> = (0..37u8).map(|byte| byte.wrapping_mul(57)).collect();
        let whole = checksum(&bytes);
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(checksum(&damaged), whole, "bit {bit}");
        }
    }
}
