//! The French and English models that can be compiled in: the current one, and those that were it before, because
//! there are files whose vectors they made.
//!
//! Nothing is unpacked: rows, weights and tokenizer are used where they lie in the executable's read-only
//! data. Loading therefore costs microseconds and no heap; pages are shared between processes and become
//! resident when they are first read.

use std::path::Path;

use super::files::{Convention, DEFAULT_MAX_LENGTH, StaticFiles};
use super::four_bit::ROWS;
use super::rows::TokenVectors;
use crate::bytes::Bytes;
use crate::tokenize::TextTokenizer;
use crate::unigram::Unigram;
use crate::{Error, ModelSource};

/// A model that was or is built in. What it is, is known in every build; its bytes only where its feature is on.
pub(crate) struct BundledModel {
    source: ModelSource,
    feature: &'static str,
    name: &'static str,
    /// Of `model.safetensors`, with rows of eight bits. A constant, so that nothing hashes megabytes at startup; a
    /// test checks it.
    weights_digest: &'static str,
    /// Of `tokenizer.json`, from which the tokenizer here was packed, so that the same model in a folder is the
    /// same space.
    tokenizer_digest: &'static str,
    /// `model.safetensors` and the packed tokenizer.
    bytes: Option<(&'static [u8], &'static [u8])>,
}

/// The current one. Its origin and license are in `data/static-fren/NOTICE`.
pub(crate) static CURRENT: BundledModel = BundledModel {
    source: ModelSource::Bundled,
    feature: "bundled-model",
    name: include_str!("../../data/static-fren/NAME").trim_ascii(),
    weights_digest: include_str!("../../data/static-fren/model.digest").trim_ascii(),
    tokenizer_digest: include_str!("../../data/static-fren/tokenizer.digest").trim_ascii(),
    #[cfg(feature = "bundled-model")]
    bytes: Some((
        include_bytes!("../../data/static-fren/model.safetensors"),
        include_bytes!("../../data/static-fren/tokenizer.bin"),
    )),
    #[cfg(not(feature = "bundled-model"))]
    bytes: None,
};

/// The first one, up to version 0.1.
pub(crate) static V1: BundledModel = BundledModel {
    source: ModelSource::BundledV1,
    feature: "bundled-model-v1",
    name: "static-fren-use-32k-256-int8",
    weights_digest: "blake3:336bd755e525064671e2c32b5c50ab1368d7c4bdde6071673f9db9a8959cc031",
    tokenizer_digest: "blake3:aa24af8dac4b0f77e460ede3b35e662795cd617646d75b879bd6abe7e1981f5d",
    #[cfg(feature = "bundled-model-v1")]
    bytes: Some((rekall_model_v1::WEIGHTS, rekall_model_v1::TOKENIZER)),
    #[cfg(not(feature = "bundled-model-v1"))]
    bytes: None,
};

impl BundledModel {
    /// Where the model is, that has these digests.
    pub(crate) fn source_of(weights_digest: &str, tokenizer_digest: &str) -> Option<ModelSource> {
        let same = |model: &&Self| {
            model.weights_digest == weights_digest && model.tokenizer_digest == tokenizer_digest
        };
        [&CURRENT, &V1].into_iter().find(same).map(|model| model.source.clone())
    }

    /// The model as if read from a folder.
    pub(super) fn files(&self) -> Result<StaticFiles, Error> {
        let Some((weights, tokenizer)) = self.bytes else {
            return Err(Error::FeatureOff {
                what: format!("the model {}", self.source),
                feature: self.feature,
            });
        };
        let path = Path::new(self.name);
        let unigram = Unigram::from_packed(&Bytes::from_static(tokenizer))
            .ok_or_else(|| Error::invalid_file(path, "a packed tokenizer", "other bytes"))?;
        let tokenizer = TextTokenizer::Unigram(Box::new(unigram));
        let weights = Bytes::from_static(weights);
        Ok(StaticFiles {
            name: self.name.into(),
            vectors: TokenVectors::parse(path, &weights, ROWS, tokenizer.vocabulary())?,
            tokenizer,
            max_length: Some(DEFAULT_MAX_LENGTH),
            convention: Convention::Model2Vec,
            weights_digest: self.weights_digest.into(),
            tokenizer_digest: self.tokenizer_digest.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    /// Each model with its folder.
    fn models() -> [(&'static BundledModel, PathBuf); 2] {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        [(&CURRENT, here.join("data/static-fren")), (&V1, here.join("../rekall-model-v1/data"))]
    }

    /// What a file should hold. With `REKALL_UPDATE_BUNDLED=1` it is made to.
    fn holds(file: &Path, expected: &[u8]) {
        if std::env::var_os("REKALL_UPDATE_BUNDLED").is_some() {
            fs::write(file, expected).unwrap();
        }
        let same = fs::read(file).unwrap() == expected;
        assert!(same, "{}: run the tests of `bundled` once with REKALL_UPDATE_BUNDLED=1", file.display());
    }

    #[test]
    fn the_packed_tokenizer_is_that_of_the_json() {
        for (_, folder) in models() {
            let packed = Unigram::pack(&fs::read(folder.join("tokenizer.json")).unwrap()).unwrap();
            holds(&folder.join("tokenizer.bin"), &packed);
        }
    }

    #[test]
    fn what_is_known_of_a_model_is_what_its_folder_holds() {
        for (model, folder) in models() {
            let files = StaticFiles::open(&folder, model.name).unwrap();
            if folder.join("NAME").exists() {
                holds(&folder.join("model.digest"), format!("{}\n", files.weights_digest).as_bytes());
                holds(&folder.join("tokenizer.digest"), format!("{}\n", files.tokenizer_digest).as_bytes());
            } else {
                assert_eq!(files.weights_digest, model.weights_digest);
                assert_eq!(files.tokenizer_digest, model.tokenizer_digest);
            }
            assert_eq!(files.max_length, Some(DEFAULT_MAX_LENGTH));
        }
    }

    #[test]
    fn digests_lead_to_the_model() {
        let source =
            |model: &BundledModel| BundledModel::source_of(model.weights_digest, model.tokenizer_digest);
        assert_eq!(source(&CURRENT), Some(ModelSource::Bundled));
        assert_eq!(source(&V1), Some(ModelSource::BundledV1));
        assert_eq!(BundledModel::source_of(V1.weights_digest, CURRENT.tokenizer_digest), None);
    }

    #[test]
    fn a_model_that_is_not_compiled_in_names_its_feature() {
        for model in [&CURRENT, &V1].into_iter().filter(|model| model.bytes.is_none()) {
            let error = model.files().err().unwrap();
            assert!(error.to_string().contains(model.feature), "{error}");
        }
    }
}
