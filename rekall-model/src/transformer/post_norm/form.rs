//! What a post-norm network does, whichever family it is of, and what its numbers are called in a file.

use std::path::Path;

use crate::Error;
use crate::cpu::Activation;
use crate::tensors::MAX_DIMENSIONS;

/// Longest text that a network without position vectors may declare, in tokens. Known models have up to 32,768.
pub(in crate::transformer) const MAX_POSITIONS: usize = 1 << 20;

/// Most rows of a matrix before the activation. Known models have up to 24,576.
const MAX_INNER: usize = 1 << 24;

/// A network's shape.
#[derive(Debug, Clone)]
pub(in crate::transformer) struct Form {
    /// The first part of a fingerprint.
    pub(in crate::transformer) family: &'static str,
    pub(in crate::transformer) hidden_size: usize,
    pub(in crate::transformer) layers: usize,
    pub(in crate::transformer) heads: usize,
    pub(in crate::transformer) inner_size: usize,
    pub(in crate::transformer) vocabulary: usize,
    /// The longest input, in tokens.
    pub(in crate::transformer) positions: usize,
    pub(in crate::transformer) epsilon: f64,
    pub(in crate::transformer) activation: Activation,
    pub(in crate::transformer) learned: Option<Learned>,
    pub(in crate::transformer) rotary: Option<Rope>,
    pub(in crate::transformer) distance: Option<Distance>,
    pub(in crate::transformer) names: &'static Names,
    /// Whether a single text's tokens have the first of the type vectors added.
    pub(in crate::transformer) has_types: bool,
}

/// Positions that have a vector each.
#[derive(Debug, Clone, Copy)]
pub(in crate::transformer) struct Learned {
    /// Rows of the table.
    pub(in crate::transformer) rows: usize,
    /// The padding's token, where positions are counted from the one after it.
    pub(in crate::transformer) padding: Option<usize>,
}

impl Learned {
    /// The tokens of a text, each with its position. Where positions are counted from the padding's on, that token has a
    /// position of its own, also if a text contains it, and the count continues after it as if it were not there.
    pub(super) fn with_positions(self, text: &[u32]) -> impl Iterator<Item = (&u32, usize)> {
        let mut next = self.padding.map_or(0, |padding| padding + 1);
        text.iter().map(move |id| match self.padding {
            Some(padding) if *id as usize == padding => (id, padding),
            _ => {
                next += 1;
                (id, next - 1)
            }
        })
    }
}

/// Positions by which queries and keys are turned.
#[derive(Debug, Clone, Copy)]
pub(in crate::transformer) struct Rope {
    pub(in crate::transformer) theta: f64,
    /// NTK-aware scaling, for texts that many times longer than those of the first training; 1: none.
    pub(in crate::transformer) factor: f64,
}

/// What is added to a score for the distance between two tokens.
#[derive(Debug, Clone, Copy)]
pub(in crate::transformer) enum Distance {
    /// A learned number for each head and class of distances. After Raffel et al., "Exploring the Limits of Transfer
    /// Learning" (2019).
    Buckets { table: &'static str, count: usize },
    /// The distance times a number of the head (ALiBi). After Press et al., "Train Short, Test Long" (2021).
    Slopes,
}

/// What a family calls its tensors, without the suffixes `.weight` and `.bias`.
#[derive(Debug)]
pub(in crate::transformer) struct Names {
    pub(super) norm: &'static str,
    /// Before a layer's number.
    pub(super) layers: &'static str,
    /// Queries, keys and values: three matrices, or one.
    pub(super) qkv: &'static [&'static str],
    pub(super) attention: &'static str,
    pub(super) attention_norm: &'static str,
    pub(super) up: Matrix,
    /// Of a gated unit: what its activated part is multiplied by.
    pub(super) gate: Option<Matrix>,
    pub(super) down: &'static str,
    pub(super) output_norm: &'static str,
    pub(super) has_attention_bias: bool,
    /// Of the matrices before the activation.
    pub(super) has_up_bias: bool,
    pub(super) has_down_bias: bool,
}

/// A matrix of the feed-forward part, which may be half of one in the file.
#[derive(Debug, Clone, Copy)]
pub(in crate::transformer) struct Matrix {
    pub(super) name: &'static str,
    pub(super) half: Option<Half>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::transformer) enum Half {
    First,
    Second,
}

impl Matrix {
    pub(super) const fn whole(name: &'static str) -> Self {
        Self { name, half: None }
    }

    pub(super) const fn half(name: &'static str, half: Half) -> Self {
        Self { name, half: Some(half) }
    }
}

impl Form {
    /// The padding's token, where a text's positions depend on it.
    pub(in crate::transformer) fn counted_padding(&self) -> Option<usize> {
        self.learned.and_then(|learned| learned.padding)
    }

    /// Checks the sizes, wherever they came from.
    pub(in crate::transformer) fn check(&self, path: &Path) -> Result<(), Error> {
        let bad = |expected: &str, got: String| Err(Error::invalid_file(path, expected, got));
        let sizes =
            [self.hidden_size, self.layers, self.heads, self.inner_size, self.vocabulary, self.positions];
        if sizes.contains(&0) {
            return bad("sizes above 0", format!("{sizes:?}"));
        }
        if self.hidden_size > MAX_DIMENSIONS {
            return bad(&format!("a hidden size of at most {MAX_DIMENSIONS}"), self.hidden_size.to_string());
        }
        if self.inner_size > MAX_INNER {
            return bad(&format!("an intermediate size of at most {MAX_INNER}"), self.inner_size.to_string());
        }
        if self.learned.is_none() && self.positions > MAX_POSITIONS {
            return bad(&format!("at most {MAX_POSITIONS} positions"), self.positions.to_string());
        }
        if !(0.0..=1.0).contains(&self.epsilon) {
            return bad("an epsilon of the layer norms from 0 to 1", self.epsilon.to_string());
        }
        // A plane of a rotation takes two numbers of a head.
        let step = if self.rotary.is_some() { 2 } else { 1 };
        if !self.hidden_size.is_multiple_of(self.heads.saturating_mul(step)) {
            let even = if step == 2 { "an even" } else { "a" };
            let got = format!("{} and {}", self.hidden_size, self.heads);
            return bad(&format!("a hidden size that is {even} multiple of the number of heads"), got);
        }
        if let Some(Rope { theta, factor }) = self.rotary {
            if !(1.0..=1e12).contains(&theta) {
                return bad("a theta of the rotary positions from 1 to 1e12", theta.to_string());
            }
            if !(1.0..=1e6).contains(&factor) {
                return bad("a factor of the rotary positions from 1 to 1e6", factor.to_string());
            }
        }
        Ok(())
    }

    /// All that changes vectors, as the fingerprint has it: another number of heads or another activation fits the same
    /// matrices. Stored fingerprints depend on each character. Values are named rather than the file hashed, because a key
    /// that repeats its default, or is formatted differently, changes no vector.
    pub(in crate::transformer) fn describe(&self) -> String {
        let Self { hidden_size, layers, heads, inner_size, vocabulary, epsilon, activation, .. } = self;
        let mut text = format!(
            "hidden_size={hidden_size}; num_hidden_layers={layers}; num_attention_heads={heads}; \
             intermediate_size={inner_size}; vocab_size={vocabulary}; layer_norm_eps={epsilon:e}; \
             activation={}; types={}",
            name_of(*activation),
            self.has_types,
        );
        if let Some(Learned { rows, padding }) = self.learned {
            let padding = padding.map_or("none".into(), |padding| padding.to_string());
            text += &format!("; positions={rows}; counted_padding={padding}");
        }
        if let Some(Rope { theta, factor }) = self.rotary {
            text += &format!("; theta={theta:e}; factor={factor:e}");
        }
        match self.distance {
            Some(Distance::Buckets { count, .. }) => text += &format!("; buckets={count}"),
            Some(Distance::Slopes) => text += "; slopes",
            None => {}
        }
        text
    }
}

/// An activation that a configuration may name.
pub(in crate::transformer) fn activation_of(name: &str) -> Option<Activation> {
    [Activation::Gelu, Activation::Relu, Activation::Silu].into_iter().find(|known| name_of(*known) == name)
}

fn name_of(activation: Activation) -> &'static str {
    match activation {
        Activation::None | Activation::Gate => "none",
        Activation::Gelu => "gelu",
        Activation::GeluTanh => "gelu_pytorch_tanh",
        Activation::Relu => "relu",
        Activation::Silu => "silu",
    }
}
