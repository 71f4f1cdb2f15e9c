//! A model's tokenizer: this crate's own where it supports the file, the `tokenizers` crate for everything
//! else.

mod known;
mod validate;

use std::path::Path;

use serde::Deserialize;
use tokenizers::{DecoderWrapper, ModelWrapper, PostProcessorWrapper, Tokenizer};

use crate::Error;
use crate::unigram::{ParseOutcome, Scratch, Unigram};

pub(crate) use known::Known;

/// Text to token ids, without the special tokens a transformer puts around them.
#[derive(Debug)]
pub(crate) enum TextTokenizer {
    /// SentencePiece Unigram files of the multilingual family.
    Unigram(Box<Unigram>),
    /// WordPiece, BPE and all others.
    Generic(Box<Generic>),
}

#[derive(Debug)]
pub(crate) struct Generic {
    tokenizer: Tokenizer,
    unknown: Option<u32>,
    json_bytes: usize,
}

impl TextTokenizer {
    /// Reads the text of a `tokenizer.json`; `path` is for messages only.
    pub(crate) fn parse(path: &Path, json: &[u8]) -> Result<Self, Error> {
        let malformed = |reason: String| Error::invalid_file(path, "a tokenizer.json", reason);
        if json.is_empty() {
            return Err(malformed("0 bytes".into()));
        }
        match Unigram::parse(json).map_err(|error| malformed(error.to_string()))? {
            ParseOutcome::Supported(unigram) => Ok(Self::Unigram(unigram)),
            ParseOutcome::Other => {
                let refused = |(expected, got): validate::Refusal| Error::invalid_file(path, expected, got);
                validate::json(json).map_err(refused)?;
                let mut tokenizer =
                    Tokenizer::from_bytes(json).map_err(|error| malformed(error.to_string()))?;
                // The embedder truncates and pads, whatever settings the file was saved with.
                tokenizer.with_padding(None);
                tokenizer.with_truncation(None).map_err(|error| malformed(error.to_string()))?;
                // The embedder adds the special tokens, too, and nothing is ever decoded.
                tokenizer.with_post_processor(None::<PostProcessorWrapper>);
                tokenizer.with_decoder(None::<DecoderWrapper>);
                validate::added_tokens(&tokenizer).map_err(refused)?;
                let unknown = unknown_token(json).and_then(|token| tokenizer.token_to_id(&token));
                let json_bytes = json.len();
                Ok(Self::Generic(Box::new(Generic { tokenizer, unknown, json_bytes })))
            }
        }
    }

    /// Appends the ids of `text`, at most `limit`, to `ids`, and sets [`Scratch::known`] to what of the text is known (in
    /// some tokenizers: up to the limit).
    ///
    /// # Errors
    /// [`Error::Tokenize`] with position 0; the caller sets the true one.
    pub(crate) fn encode(
        &self,
        text: &str,
        limit: usize,
        scratch: &mut Scratch,
        ids: &mut Vec<u32>,
    ) -> Result<(), Error> {
        scratch.known = Known::default();
        match self {
            Self::Unigram(unigram) => unigram.encode(text, limit, scratch, ids),
            Self::Generic(generic) => {
                let encoding = generic
                    .tokenizer
                    .encode_fast(text, false)
                    .map_err(|error| Error::Tokenize { index: 0, reason: error.to_string() })?;
                let all = encoding.get_ids();
                scratch.known = generic.known(text, all);
                ids.extend_from_slice(&all[..limit.min(all.len())]);
            }
        }
        Ok(())
    }

    /// Number of tokens in the whole text.
    pub(crate) fn count(&self, text: &str) -> Result<usize, Error> {
        let mut ids = Vec::new();
        self.encode(text, usize::MAX, &mut Scratch::default(), &mut ids)?;
        Ok(ids.len())
    }

    /// Number of ids, added tokens included.
    pub(crate) fn vocabulary(&self) -> usize {
        match self {
            Self::Unigram(unigram) => unigram.vocabulary(),
            Self::Generic(generic) => generic.tokenizer.get_vocab_size(true),
        }
    }

    /// One more than the highest id. For tokenizers of the `tokenizers` crate this copies the vocabulary.
    #[cfg(feature = "transformer")]
    pub(crate) fn ids_end(&self) -> usize {
        match self {
            Self::Unigram(unigram) => unigram.vocabulary(),
            Self::Generic(generic) => {
                let highest = generic.tokenizer.get_vocab(true).into_values().max();
                highest.map_or(0, |id| id as usize + 1)
            }
        }
    }

    /// The id of a special token by its text.
    #[cfg(feature = "transformer")]
    pub(crate) fn special_id(&self, token: &str) -> Option<u32> {
        match self {
            Self::Unigram(unigram) => unigram.added_id(token),
            Self::Generic(generic) => generic.tokenizer.token_to_id(token),
        }
    }

    /// The id of the unknown token, if the model has one.
    pub(crate) fn unknown_id(&self) -> Option<u32> {
        match self {
            Self::Unigram(unigram) => Some(unigram.unknown_id()),
            Self::Generic(generic) => generic.unknown,
        }
    }

    /// Heap held. The `tokenizers` crate does not report it; the estimate is ten times the size of its file.
    pub(crate) fn memory_bytes(&self) -> usize {
        match self {
            Self::Unigram(unigram) => unigram.memory_bytes(),
            Self::Generic(generic) => generic.json_bytes * 10,
        }
    }
}

/// What a byte-level tokenizer writes for a space: a letter, of all things.
const BYTE_LEVEL_SPACE: char = '\u{120}';

impl Generic {
    /// What of a text is known, by its ids.
    fn known(&self, text: &str, ids: &[u32]) -> Known {
        let mut known = Known::default();
        let token = |&id: &u32| self.tokenizer.id_to_token(id).unwrap_or_default();
        let mut next = ids.first().map(token);
        let mut starts = true;
        for (at, &id) in ids.iter().enumerate() {
            let piece = next.take().unwrap_or_default();
            next = ids.get(at + 1).map(token);
            let ends = next.as_deref().is_none_or(|next| !self.continues(&piece, next));
            if Some(id) != self.unknown {
                known.add_piece(piece.trim_start_matches(BYTE_LEVEL_SPACE), starts, ends);
            }
            starts = ends;
        }
        known.set_text(text);
        known
    }

    /// Whether a token goes on with the word that the one before it is of.
    fn continues(&self, before: &str, token: &str) -> bool {
        match self.tokenizer.get_model() {
            ModelWrapper::WordPiece(model) => token.starts_with(&model.continuing_subword_prefix),
            ModelWrapper::WordLevel(_) => false,
            // A visible space, one way or another, begins a word.
            ModelWrapper::BPE(_) | ModelWrapper::Unigram(_) => {
                before.ends_with(char::is_alphanumeric)
                    && token.starts_with(|c: char| c.is_alphanumeric() && c != BYTE_LEVEL_SPACE)
            }
        }
    }
}

/// The model's `unk_token`, or the text of its `unk_id`.
fn unknown_token(json: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct File<M> {
        model: M,
    }
    #[derive(Deserialize)]
    struct Names {
        #[serde(default)]
        unk_token: Option<String>,
        #[serde(default)]
        unk_id: Option<usize>,
    }
    // Read only if there is an id to look up, because the vocabulary is most of the file.
    #[derive(Deserialize)]
    struct Vocabulary {
        vocab: Vec<(String, f64)>,
    }
    let names = serde_json::from_slice::<File<Names>>(json).ok()?.model;
    if names.unk_token.is_some() {
        return names.unk_token;
    }
    let vocab = serde_json::from_slice::<File<Vocabulary>>(json).ok()?.model.vocab;
    vocab.into_iter().nth(names.unk_id?).map(|(text, _)| text)
}
