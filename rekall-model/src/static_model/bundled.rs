//! The French and English model compiled into the crate; its origin and license are in
//! `data/static-fren/NOTICE`.
//!
//! Nothing is unpacked: rows, weights and tokenizer are used where they lie in the executable's read-only
//! data. Loading therefore costs microseconds and no heap; pages are shared between processes and become
//! resident when they are first read.

use std::path::Path;

use super::files::{DEFAULT_MAX_LENGTH, StaticFiles};
use super::rows::TokenVectors;
use crate::Error;
use crate::bytes::Bytes;
use crate::tokenize::TextTokenizer;
use crate::unigram::Unigram;

static WEIGHTS: &[u8] = include_bytes!("../../data/static-fren/model.safetensors");
/// Packed form of the model's `tokenizer.json`; a test keeps the two in step.
static TOKENIZER: &[u8] = include_bytes!("../../data/static-fren/tokenizer.bin");

const NAME: &str = "static-fren-use-32k-256-int8";
// Constants, so that nothing hashes 9 MB at startup; a test checks them against the files. The
// tokenizer's is that of `tokenizer.json`, so that the same model in a folder is the same space.
const WEIGHTS_DIGEST: &str = "blake3:336bd755e525064671e2c32b5c50ab1368d7c4bdde6071673f9db9a8959cc031";
const TOKENIZER_DIGEST: &str = "blake3:aa24af8dac4b0f77e460ede3b35e662795cd617646d75b879bd6abe7e1981f5d";

/// The model as if read from a folder.
pub(crate) fn files() -> Result<StaticFiles, Error> {
    let path = Path::new("(bundled model)");
    let unigram = Unigram::from_packed(&Bytes::from_static(TOKENIZER))
        .ok_or_else(|| Error::invalid_file(path, "a packed tokenizer", "other bytes"))?;
    let tokenizer = TextTokenizer::Unigram(Box::new(unigram));
    let weights = Bytes::from_static(WEIGHTS);
    Ok(StaticFiles {
        name: NAME.into(),
        vectors: TokenVectors::parse(path, &weights, "embeddings", tokenizer.vocabulary())?,
        tokenizer,
        max_length: Some(DEFAULT_MAX_LENGTH),
        weights_digest: WEIGHTS_DIGEST.into(),
        tokenizer_digest: TOKENIZER_DIGEST.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::digest;

    const TOKENIZER_JSON: &[u8] = include_bytes!("../../data/static-fren/tokenizer.json");

    #[test]
    fn constants_match_the_files() {
        assert_eq!(digest(WEIGHTS), WEIGHTS_DIGEST);
        assert_eq!(digest(TOKENIZER_JSON), TOKENIZER_DIGEST);
    }

    /// Run with `REKALL_UPDATE_BUNDLED=1` to regenerate the packed tokenizer.
    #[test]
    fn packed_tokenizer_is_that_of_the_json() {
        let packed = Unigram::pack(TOKENIZER_JSON).unwrap();
        if std::env::var_os("REKALL_UPDATE_BUNDLED").is_some() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/static-fren/tokenizer.bin");
            std::fs::write(path, &packed).unwrap();
        }
        assert!(packed == TOKENIZER, "run this test once with REKALL_UPDATE_BUNDLED=1");
    }
}
