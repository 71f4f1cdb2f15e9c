//! From the rows of a text's tokens to one row.

use super::wanted::Wanted;

/// How token vectors are pooled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pooling {
    Mean,
    Cls,
    Max,
    /// The last token's vector.
    Last,
}

impl Pooling {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Cls => "cls",
            Self::Max => "max",
            Self::Last => "lasttoken",
        }
    }

    /// The rows that it reads.
    pub(super) fn wanted(self) -> Wanted {
        match self {
            Self::Cls => Wanted::First,
            Self::Last => Wanted::Last,
            Self::Mean | Self::Max => Wanted::All,
        }
    }

    /// Fills `out`, of `width` numbers or fewer, from rows of `width`.
    pub(super) fn pool(self, tokens: &[f32], width: usize, out: &mut [f32]) {
        match self {
            // A shortened vector is the beginning of the whole one.
            Self::Cls => out.copy_from_slice(&tokens[..out.len()]),
            Self::Last => {
                let last = tokens.len().saturating_sub(width);
                out.copy_from_slice(&tokens[last..][..out.len()]);
            }
            Self::Max => {
                out.fill(f32::NEG_INFINITY);
                for token in tokens.chunks_exact(width) {
                    for (x, &y) in out.iter_mut().zip(token) {
                        *x = x.max(y);
                    }
                }
            }
            Self::Mean => {
                out.fill(0.0);
                for token in tokens.chunks_exact(width) {
                    for (x, &y) in out.iter_mut().zip(token) {
                        *x += y;
                    }
                }
                let count = (tokens.len() / width) as f32;
                out.iter_mut().for_each(|x| *x /= count);
            }
        }
    }
}
