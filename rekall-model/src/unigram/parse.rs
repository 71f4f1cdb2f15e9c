//! Reads a `tokenizer.json` into a [`Unigram`], for the files that it can run exactly.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::charsmap::max_expansion;
use super::packed::Sections;
use super::pieces::MAX_PIECE_BYTES;
use super::tokenizer::{AddedToken, META, Unigram};
use super::trie::Trie;

/// Whether a `tokenizer.json` is of the supported family.
#[derive(Debug)]
pub(crate) enum ParseOutcome {
    /// It is, and this tokenizer runs it.
    Supported(Box<Unigram>),
    /// It needs something else; the `tokenizers` crate runs it.
    Other,
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(default)]
    added_tokens: Vec<Added>,
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(borrow)]
    model: Model<'a>,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
    single_word: bool,
    lstrip: bool,
    rstrip: bool,
    normalized: bool,
}

#[derive(Deserialize)]
struct Model<'a> {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    unk_id: Option<u32>,
    #[serde(default)]
    byte_fallback: bool,
    #[serde(borrow, default)]
    vocab: ScoredPieces<'a>,
}

/// ScoredPieces and scores by id; empty for the other models, whose vocabulary is an object.
#[derive(Default)]
struct ScoredPieces<'a>(Vec<(Cow<'a, str>, f64)>);

#[derive(Deserialize)]
struct Piece<'a>(#[serde(borrow)] Cow<'a, str>, f64);

impl<'de: 'a, 'a> Deserialize<'de> for ScoredPieces<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor;

        impl<'de> Visitor<'de> for ListVisitor {
            type Value = ScoredPieces<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a vocabulary")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ScoredPieces<'de>, A::Error> {
                let mut pieces = Vec::new();
                while let Some(Piece(text, score)) = seq.next_element()? {
                    pieces.push((text, score));
                }
                Ok(ScoredPieces(pieces))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ScoredPieces<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(ScoredPieces::default())
            }
        }

        deserializer.deserialize_any(ListVisitor)
    }
}

/// Most added tokens; each is searched for at each position of a text. Known files have about five.
const MAX_ADDED_TOKENS: usize = 1000;

/// How many times longer a character map may make a text. Unicode's own makes 33 bytes of one character of 3
/// bytes.
const MAX_EXPANSION: u64 = 256;

/// Log-probability penalty of an unknown character below the least likely piece, as in SentencePiece.
const UNKNOWN_PENALTY: f64 = 10.0;

impl Unigram {
    /// Reads a `tokenizer.json`. The cost is parsing it and building a trie.
    ///
    /// # Errors
    /// The parser's error, if it is not JSON of this shape; a valid file of another family is
    /// [`ParseOutcome::Other`].
    pub(crate) fn parse(json: &[u8]) -> Result<ParseOutcome, serde_json::Error> {
        let file: File<'_> = serde_json::from_slice(json)?;
        let unigram = sections(&file).and_then(|sections| Self::from_packed(&sections.to_bytes().into()));
        Ok(match unigram {
            Some(unigram) => ParseOutcome::Supported(Box::new(unigram)),
            None => ParseOutcome::Other,
        })
    }

    /// The packed form of a `tokenizer.json`; `None` for a file of another family.
    #[cfg(test)]
    pub(crate) fn pack(json: &[u8]) -> Option<Vec<u8>> {
        let file: File<'_> = serde_json::from_slice(json).ok()?;
        Some(sections(&file)?.to_bytes())
    }
}

/// `None` for anything that is not exactly of the family.
fn sections(file: &File<'_>) -> Option<Sections> {
    let model = &file.model;
    if model.kind != "Unigram" || model.byte_fallback {
        return None;
    }
    let unknown_id = model.unk_id?;
    if unknown_id as usize >= model.vocab.0.len() {
        return None;
    }
    let (charsmap, collapse) = normalizer(&file.normalizer)?;
    let whitespace_split = pre_tokenizer(&file.pre_tokenizer)?;
    if file.added_tokens.len() > MAX_ADDED_TOKENS
        || model.vocab.0.iter().any(|(text, _)| text.len() > MAX_PIECE_BYTES)
    {
        return None;
    }
    let mut added = Vec::new();
    for token in &file.added_tokens {
        if token.normalized || token.single_word || token.content.is_empty() {
            return None;
        }
        let strip = (token.lstrip, token.rstrip);
        added.push(AddedToken { text: token.content.clone(), id: token.id, strip });
    }
    let pieces: Vec<&str> = model.vocab.0.iter().map(|(text, _)| &**text).collect();
    let scores: Vec<f64> = model.vocab.0.iter().map(|(_, score)| *score).collect();
    if scores.iter().any(|score| !score.is_finite()) {
        return None;
    }
    let least = scores.iter().copied().fold(f64::INFINITY, f64::min);
    Some(Sections {
        charsmap,
        trie: Trie::build(&pieces)?,
        scores: scores.iter().flat_map(|score| score.to_le_bytes()).collect(),
        unknown_score: least - UNKNOWN_PENALTY,
        unknown_id,
        collapse,
        whitespace_split,
        added,
    })
}

/// A character map, alone or followed by a step that collapses runs of spaces.
fn normalizer(value: &Value) -> Option<(Vec<u8>, Option<char>)> {
    let charsmap = |value: &Value| {
        let text = value.get("precompiled_charsmap")?.as_str()?;
        (value.get("type")? == "Precompiled").then_some(())?;
        let blob = BASE64_STANDARD.decode(text).ok()?;
        max_expansion(&blob).is_ok_and(|times| times <= MAX_EXPANSION).then_some(blob)
    };
    if value.get("type")? != "Sequence" {
        return Some((charsmap(value)?, None));
    }
    match value.get("normalizers")?.as_array()?.as_slice() {
        [map] => Some((charsmap(map)?, None)),
        [map, replace] => {
            if replace.get("type")? != "Replace" || replace.pointer("/pattern/Regex")? != " {2,}" {
                return None;
            }
            let by = match replace.get("content")?.as_str()? {
                " " => ' ',
                "\u{2581}" => META,
                _ => return None,
            };
            Some((charsmap(map)?, Some(by)))
        }
        _ => None,
    }
}

/// Whether words are split at all white space; `None` for steps of another family.
fn pre_tokenizer(value: &Value) -> Option<bool> {
    let is_metaspace = |value: &Value| {
        let flag = |key, default| value.get(key).and_then(Value::as_bool).unwrap_or(default);
        let scheme = value.get("prepend_scheme").and_then(Value::as_str).unwrap_or("always");
        value.get("type").is_some_and(|kind| kind == "Metaspace")
            && value.get("replacement").is_some_and(|r| r == "\u{2581}")
            && scheme == "always"
            && flag("split", true)
            && flag("add_prefix_space", true)
    };
    if is_metaspace(value) {
        return Some(false);
    }
    match value.get("pretokenizers")?.as_array()?.as_slice() {
        [metaspace] if is_metaspace(metaspace) => Some(false),
        [split, metaspace] if split.get("type")? == "WhitespaceSplit" && is_metaspace(metaspace) => {
            Some(true)
        }
        _ => None,
    }
}
