//! What all searches can be asked for.

use rekall_core::{Filter, Space};
use rekall_index::Roles;
use rekall_model::KeepAlive;
use serde::{Deserialize, Serialize};

use super::diversity;
use super::fusion::Fusion;
use super::recency::Recency;
use super::rerank;
use super::weights::{MAX_WEIGHT, Weights};
use crate::{CancelToken, Error};

/// Whether meaning, words or both are searched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mode {
    /// Meaning and words, fused. Falls back on one of them when the other cannot be searched, and says so in
    /// [`Recalled::degraded`](crate::Recalled::degraded). The default; a query that is a vector alone goes by
    /// meaning.
    #[default]
    Hybrid,
    /// Meaning alone.
    Semantic,
    /// Words alone.
    Text,
}

/// The most hits of one search.
pub(super) const MAX_LIMIT: usize = 100_000;

/// Refuses a number of hits out of range.
pub(crate) fn check_limit(limit: usize) -> Result<(), Error> {
    match limit {
        1..=MAX_LIMIT => Ok(()),
        got => Err(Error::InvalidLimit { max: MAX_LIMIT, got }),
    }
}

/// How a search is done, whatever is searched for.
#[derive(Debug, Clone)]
pub(super) struct Options<'a> {
    pub(super) mode: Mode,
    pub(super) limit: usize,
    pub(super) filter: Filter,
    pub(super) roles: Roles,
    pub(super) threshold: Option<f32>,
    /// `None`: by the kind of the file's model.
    pub(super) weights: Option<Weights>,
    pub(super) fusion: Fusion,
    pub(super) prefix: bool,
    pub(super) require_quotes: bool,
    pub(super) snippets: Option<(&'a str, &'a str)>,
    pub(super) keep_alive: Option<KeepAlive>,
    pub(super) cancel: Option<CancelToken>,
    pub(super) supersede: Option<&'a str>,
    /// `None`: age does not count.
    pub(super) recency: Option<Recency>,
    /// How much relevance counts beside difference; `None`: hits may be as alike as they are.
    pub(super) diversity: Option<f64>,
    /// How many of the first hits the reranker judges.
    pub(super) rerank: usize,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            limit: 10,
            filter: Filter::default(),
            roles: Roles::ALL,
            threshold: None,
            weights: None,
            fusion: Fusion::default(),
            prefix: false,
            require_quotes: false,
            snippets: None,
            keep_alive: None,
            cancel: None,
            supersede: None,
            recency: None,
            diversity: None,
            rerank: 0,
        }
    }
}

impl Options<'_> {
    /// The weights asked for, or those that a space's model deserves.
    pub(super) fn weights_in(&self, space: Option<&Space>) -> Weights {
        self.weights.unwrap_or_else(|| match self.fusion {
            Fusion::Weighted => Weights::in_space(space),
            Fusion::ReciprocalRank => Weights::EQUAL,
        })
    }

    /// How many hits are read: those wanted, and those that a reranker chooses them from.
    pub(super) fn hits(&self) -> usize {
        self.limit.max(self.rerank)
    }

    /// How many entries a search chooses these from, at the least.
    pub(super) fn pool(&self) -> usize {
        match self.diversity {
            Some(_) => diversity::pool(self.hits()),
            None => self.hits(),
        }
    }

    pub(super) fn validate(&self) -> Result<(), Error> {
        check_limit(self.limit)?;
        self.filter.validate()?;
        if let Some(weights) = self.weights.filter(|weights| !weights.are_sound()) {
            let Weights { semantic, text } = weights;
            return Err(Error::InvalidWeights { max: MAX_WEIGHT, semantic, text });
        }
        self.recency.as_ref().map_or(Ok(()), Recency::validate)?;
        if self.rerank > rerank::MAX {
            return Err(Error::InvalidRerank { max: rerank::MAX, got: self.rerank });
        }
        if let Some(lambda) = self.diversity {
            if !(0.0..=1.0).contains(&lambda) {
                return Err(Error::InvalidDiversity { got: lambda });
            }
            if self.limit > diversity::MAX_LIMIT {
                return Err(Error::InvalidLimit { max: diversity::MAX_LIMIT, got: self.limit });
            }
        }
        match self.threshold {
            Some(got) if !(-1.0..=1.0).contains(&got) => Err(Error::InvalidThreshold { got }),
            _ => Ok(()),
        }
    }
}
