//! How much each retriever of a hybrid search counts.

use rekall_core::Space;
use rekall_model::{Fingerprint, ModelKind, ModelSource};

/// How much each retriever counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Weights {
    pub(super) semantic: f64,
    pub(super) text: f64,
}

/// The largest weight: only what one retriever weighs beside the other counts, and sums must stay far from
/// infinity.
pub(super) const MAX_WEIGHT: f64 = 1e6;

/// The weight of meaning, words weighing 1, by how well the kind of model finds. docs/decisions/0018 has the
/// figures.
const FIRST_BUNDLED: f64 = 0.4;
const STATIC: f64 = 0.95;
const TRANSFORMER: f64 = 2.0;

impl Weights {
    pub(super) const EQUAL: Self = Self { semantic: 1.0, text: 1.0 };

    /// For fusion by score in a space: a model that reads words in their context finds better than words do, one that
    /// adds up vectors of words nearly as well, and the first built-in model much less. Below 1, an entry that only
    /// meaning finds never comes before the best one by words: that of the one note with an error code, say. Of a host's
    /// own or an imported model's vectors nothing is known; they come from a model of the first kind nearly always.
    pub(super) fn in_space(space: Option<&Space>) -> Self {
        let model = space.and_then(|space| Fingerprint::parse(&space.fingerprint).ok());
        let semantic = match model.as_ref().map(Fingerprint::kind) {
            Some(ModelKind::Static) => match model.and_then(|model| model.bundled_model()) {
                Some(ModelSource::BundledV1) => FIRST_BUNDLED,
                _ => STATIC,
            },
            _ => TRANSFORMER,
        };
        Self { semantic, text: 1.0 }
    }

    pub(super) fn are_sound(self) -> bool {
        [self.semantic, self.text].into_iter().all(|weight| (0.0..=MAX_WEIGHT).contains(&weight))
    }
}

#[cfg(test)]
mod tests {
    use rekall_core::{SpaceId, SpaceState};

    use super::*;

    #[test]
    fn meaning_counts_as_much_as_the_kind_of_model_deserves() {
        let weight = |fingerprint: &str| {
            let fingerprint = fingerprint.to_owned();
            let space = Space { id: SpaceId(1), fingerprint, dimensions: 3, state: SpaceState::Active };
            Weights::in_space(Some(&space)).semantic
        };
        assert_eq!(weight("static; weights=blake3:00; dimensions=3; model=\"m\""), STATIC);
        let first = "static; weights=blake3:336bd755e525064671e2c32b5c50ab1368d7c4bdde6071673f9db9a8959cc031; \
                     tokenizer=blake3:aa24af8dac4b0f77e460ede3b35e662795cd617646d75b879bd6abe7e1981f5d; \
                     pooling=weighted-mean; dimensions=256; model=\"old\"";
        assert_eq!(weight(first), FIRST_BUNDLED);
        assert_eq!(weight("bert; weights=blake3:00; dimensions=3; model=\"m\""), TRANSFORMER);
        assert_eq!(weight(Fingerprint::external("static; m", 3).as_str()), TRANSFORMER);
        assert_eq!(weight(Fingerprint::imported("all-MiniLM-L6-v2", 3).as_str()), TRANSFORMER);
        assert_eq!(weight("of a later version"), TRANSFORMER);
    }

    #[test]
    fn weights_are_bounded() {
        assert!(Weights { semantic: MAX_WEIGHT, text: 0.0 }.are_sound());
        for bad in [1e308, 1_000_001.0, f64::INFINITY, f64::NAN, -1e-9] {
            assert!(!Weights { semantic: bad, text: 1.0 }.are_sound());
            assert!(!Weights { semantic: 1.0, text: bad }.are_sound());
        }
    }
}
