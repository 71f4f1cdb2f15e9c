//! Digest of an embedded text: shows whether a stored vector still fits its text.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// First 16 bytes of the BLAKE3 hash of a text (<https://github.com/BLAKE3-team/BLAKE3-specs>).
///
/// 128 bits are plenty against accidents, and half the bytes per row of the full hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TextDigest([u8; 16]);

impl TextDigest {
    /// Length in bytes.
    pub const LEN: usize = 16;

    /// Digest of `text`; O(bytes), some gigabytes a second.
    ///
    /// ```
    /// # use rekall_core::TextDigest;
    /// assert_eq!(TextDigest::of("a text"), TextDigest::of("a text"));
    /// assert_ne!(TextDigest::of("a text"), TextDigest::of("another"));
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut short = [0; Self::LEN];
        short.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..Self::LEN]);
        Self(short)
    }

    /// A digest that no text has in practice: marks vectors whose text is not known.
    #[must_use]
    pub const fn unknown() -> Self {
        Self([0; Self::LEN])
    }

    /// The bytes as stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// Reads 32 hexadecimal digits, in either case; `None` for anything else.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 2 * Self::LEN || !text.is_ascii() {
            return None;
        }
        let mut bytes = [0; Self::LEN];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// Reads stored bytes; a wrong length counts as unknown, so that such a vector is rebuilt.
    #[must_use]
    pub fn from_stored(bytes: &[u8]) -> Self {
        bytes.try_into().map_or(Self::unknown(), Self)
    }
}

impl fmt::Display for TextDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for TextDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TextDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| D::Error::custom("a digest must be 32 hexadecimal digits"))
    }
}

impl fmt::Debug for TextDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
