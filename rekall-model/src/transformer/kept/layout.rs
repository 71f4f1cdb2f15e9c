//! What a file of kept matrices is named, and how it says what it holds.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::Precision;
use crate::cpu::panel_width;

/// Numbers begin at multiples of this.
pub(super) const ALIGNMENT: usize = 64;

/// Bytes of the digest.
pub(super) const DIGEST: usize = blake3::OUT_LEN;

/// What a file's matrices were made from, and for which processors they are laid out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    /// Digest of the file of weights.
    weights: String,
    panel_width: usize,
    /// Those in eight bits do not say so, as they did not when there were no others.
    #[serde(default, skip_serializing_if = "is_false")]
    floats: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_false(floats: &bool) -> bool {
    !floats
}

impl Origin {
    pub(super) fn of(weights: &str, precision: Precision) -> Self {
        let floats = precision == Precision::F32;
        Self { weights: weights.to_owned(), panel_width: panel_width(), floats }
    }

    pub(super) fn precision(&self) -> Precision {
        if self.floats { Precision::F32 } else { Precision::Int8 }
    }

    pub(super) fn file_name(&self) -> String {
        let digest = self.weights.rsplit(':').next().unwrap_or_default();
        format!("{}-{}-{}", self.precision(), self.panel_width, digest.get(..16).unwrap_or(digest))
    }

    pub(super) fn first_line(&self) -> &'static [u8] {
        if self.floats {
            b"rekall: matrices in floats, version 1\n"
        } else {
            b"rekall: matrices in eight bits, version 1\n"
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Index {
    #[serde(flatten)]
    pub(super) origin: Origin,
    pub(super) matrices: BTreeMap<String, Stored>,
}

/// Where a matrix stands in the file. Floats have neither scales nor offsets.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) k: usize,
    pub(super) n: usize,
    pub(super) panels: Range<usize>,
    #[serde(default)]
    pub(super) scales: Range<usize>,
    #[serde(default)]
    pub(super) offsets: Range<usize>,
}
