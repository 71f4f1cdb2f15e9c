//! A copy of a fixture that a test damages, and the outcome of loading it.

use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::time::Duration;

use rekall_model::{Error, ErrorKind, LoadOptions, ModelSource, load};
use serde_json::json;
use tempfile::TempDir;

use crate::common::copy_of;
use crate::counting;

/// Far above what the fixtures need, which are below 1 MB, and far below a harmful amount.
pub(crate) const MOST_AT_ONCE: usize = 256 << 20;

/// Texts that reach every branch of a tokenizer.
pub(crate) const TEXTS: [&str; 4] =
    ["server", "Le serveur ne répond plus, l'erreur ﬁnale ™\u{1}", "  a   b\t", "日本語 🎉 <mask> [MASK]"];

pub(crate) struct Model {
    pub(crate) folder: TempDir,
}

impl Model {
    pub(crate) fn copy_of(name: &str) -> Self {
        Self { folder: copy_of(name) }
    }

    /// A static model with a SentencePiece tokenizer, of the family that this crate runs itself.
    pub(crate) fn with_unigram(charsmap: &str) -> Self {
        let model = Self::copy_of("static-f32");
        let mut vocab = vec![json!(["<unk>", 0.0]), json!(["\u{2581}server", -2.0])];
        vocab.extend((0..69).map(|at| json!([char::from(b'A' + at).to_string(), -3.0 - f64::from(at)])));
        let tokenizer = json!({
            "version": "1.0", "truncation": null, "padding": null, "post_processor": null, "decoder": null,
            "added_tokens": [{"id": 0, "content": "<unk>", "single_word": false, "lstrip": true, "rstrip": false,
                "normalized": false, "special": true}],
            "normalizer": {"type": "Sequence", "normalizers": [
                {"type": "Precompiled", "precompiled_charsmap": charsmap},
                {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
            "pre_tokenizer": {"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "always", "split": true},
            "model": {"type": "Unigram", "unk_id": 0, "vocab": vocab, "byte_fallback": false},
        });
        fs::write(model.path("tokenizer.json"), tokenizer.to_string()).unwrap();
        model
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Sets a value of a JSON file, by its path in the file.
    pub(crate) fn set(&self, file: &str, pointer: &str, value: serde_json::Value) {
        let mut json: serde_json::Value =
            serde_json::from_slice(&fs::read(self.path(file)).unwrap()).unwrap();
        match json.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => {
                let (parent, key) = pointer.rsplit_once('/').unwrap();
                json.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(key.to_owned(), value);
            }
        }
        fs::write(self.path(file), json.to_string()).unwrap();
    }

    /// Loads it and embeds some texts. One by one, so that a refused text does not hide the outcome of the
    /// others.
    pub(crate) fn try_it(&self) -> Result<(), Error> {
        let model = load(&ModelSource::Path(self.folder.path().to_owned()), &LoadOptions::default())?;
        let mut first = Ok(());
        for text in TEXTS {
            match model.embed_query(text) {
                Ok(row) => {
                    let norm = row.iter().map(|x| f64::from(x * x)).sum::<f64>().sqrt();
                    assert!((norm - 1.0).abs() < 1e-3, "a vector of length {norm}");
                }
                Err(Error::Unembeddable { .. }) => {}
                Err(error) => first = first.and(Err(error)),
            }
        }
        first
    }

    /// The refusal of its files, which must take neither long nor much memory.
    pub(crate) fn refusal(&self) -> Error {
        let (done, outcome) = channel();
        let place = self.folder.path().to_owned();
        // A thread that hangs cannot be ended; the test has failed then.
        std::thread::spawn(move || {
            let loaded = load(&ModelSource::Path(place), &LoadOptions::default());
            drop(done.send(loaded.map(|_| ())));
        });
        let outcome = outcome
            .recv_timeout(Duration::from_secs(20))
            .unwrap_or_else(|reason| panic!("it hangs or panics: {reason}"));
        let largest = counting::largest();
        assert!(largest < MOST_AT_ONCE, "{largest} bytes at once");
        outcome.err().unwrap_or_else(|| panic!("it was loaded"))
    }

    /// Its files are refused, for these reasons.
    pub(crate) fn is_refused(&self, words: &[&str]) {
        let error = self.refusal();
        assert_eq!(error.kind(), ErrorKind::InvalidModel, "{error}");
        let message = error.to_string();
        for word in words {
            assert!(message.contains(word), "{message:?} does not say {word:?}");
        }
    }
}
