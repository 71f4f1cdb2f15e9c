//! Validates a `tokenizer.json` before the `tokenizers` crate reads it. That crate trusts its files: it
//! panics on an invalid character map, on merges of unknown tokens and on pieces of length 0, and puts no
//! bound on how much a normalizer lengthens a text.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tokenizers::Tokenizer;

use crate::unigram::{MAX_PIECE_BYTES, max_expansion};

/// How many times longer normalizers and pre-tokenizers may make a text. Real pipelines stay below 100: 11
/// for a character map, 3 for a visible space.
const MAX_EXPANSION: u64 = 4096;
/// Most steps of normalizers and pre-tokenizers together.
const MAX_STEPS: usize = 64;
/// Longest prefix or suffix that is added to each piece or character, in bytes.
const MAX_AFFIX_BYTES: usize = 256;
/// Longest word that WordPiece splits, in characters; its time grows with the third power. The usual limit is
/// 100.
const MAX_WORD_CHARACTERS: u64 = 1000;
/// Bytes of all pieces of a Unigram model; for each the crate allocates a trie node with a hash map. A
/// vocabulary of 250,000 has 2 MB.
const MAX_VOCABULARY_BYTES: usize = 16 << 20;

/// Why a file is refused: what was expected, and what was got.
pub(super) type Refusal = (String, String);

fn refuse<T>(expected: impl Into<String>, got: impl Into<String>) -> Result<T, Refusal> {
    Err((expected.into(), got.into()))
}

/// Validates a file. It is parsed here once more, before the crate parses it.
pub(super) fn json(json: &[u8]) -> Result<(), Refusal> {
    let file: Value =
        serde_json::from_slice(json).map_err(|error| ("a tokenizer.json".into(), error.to_string()))?;
    let mut pipeline = Pipeline { expansion: 1, steps: 0 };
    for key in ["normalizer", "pre_tokenizer"] {
        if let Some(step) = file.get(key) {
            pipeline.step(step)?;
        }
    }
    file.get("model").map_or(Ok(()), model)
}

/// What happens to a text before the model.
struct Pipeline {
    expansion: u64,
    steps: usize,
}

impl Pipeline {
    /// One step, and those nested in it. Files of early versions have no types, so steps are told apart by
    /// their members.
    fn step(&mut self, step: &Value) -> Result<(), Refusal> {
        let Value::Object(members) = step else { return Ok(()) };
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return refuse(format!("at most {MAX_STEPS} steps before the model"), "more");
        }
        let kind = members.get("type").and_then(Value::as_str).unwrap_or_default();
        if kind == "Precompiled" || members.contains_key("precompiled_charsmap") {
            self.grow(charsmap(members.get("precompiled_charsmap"))?)?;
        }
        if let Some(length) = members.get("length")
            && length.as_u64().is_none_or(|length| length == 0)
        {
            return refuse("pieces of a length of at least 1", length.to_string());
        }
        if let (Some(pattern), Some(content)) = (members.get("pattern"), members.get("content")) {
            self.grow(replacement(pattern, content.as_str().unwrap_or_default()))?;
        }
        if let Some(prefix) = members.get("prepend").and_then(Value::as_str) {
            affix("prepend", prefix)?;
            self.grow(1 + prefix.len() as u64)?;
        }
        match kind {
            // A byte becomes a character of two bytes, after a space.
            "ByteLevel" => self.grow(3)?,
            // A space becomes a character of up to four bytes, and each word gets one in front.
            "Metaspace" => self.grow(8)?,
            // Chinese characters get spaces around them.
            "BertNormalizer" => self.grow(2)?,
            _ => {}
        }
        for key in ["normalizers", "pretokenizers"] {
            for inner in members.get(key).and_then(Value::as_array).into_iter().flatten() {
                self.step(inner)?;
            }
        }
        Ok(())
    }

    fn grow(&mut self, by: u64) -> Result<(), Refusal> {
        self.expansion = self.expansion.saturating_mul(by.max(1));
        if self.expansion > MAX_EXPANSION {
            let expected = format!("steps that make a text at most {MAX_EXPANSION} times as long");
            return refuse(expected, format!("{} times as long", self.expansion));
        }
        Ok(())
    }
}

fn charsmap(value: Option<&Value>) -> Result<u64, Refusal> {
    let bad = |got: String| ("a precompiled_charsmap with a trie and its replacements".to_owned(), got);
    let Some(text) = value.and_then(Value::as_str) else {
        return Err(bad(value.map_or_else(|| "none".into(), |_| "no text".into())));
    };
    let blob = BASE64_STANDARD.decode(text).map_err(|error| bad(error.to_string()))?;
    max_expansion(&blob).map_err(bad)
}

/// How many times longer a replacement can make a text.
fn replacement(pattern: &Value, content: &str) -> u64 {
    match pattern.get("String").and_then(Value::as_str) {
        Some(text) if !text.is_empty() => content.len().div_ceil(text.len()) as u64,
        // A regular expression can match the empty string before each character.
        _ => 1 + content.len() as u64,
    }
}

fn affix(what: &str, text: &str) -> Result<(), Refusal> {
    if text.len() > MAX_AFFIX_BYTES {
        return refuse(format!("a {what} of at most {MAX_AFFIX_BYTES} bytes"), text.len().to_string());
    }
    Ok(())
}

fn model(model: &Value) -> Result<(), Refusal> {
    let text = |key: &str| model.get(key).and_then(Value::as_str).unwrap_or_default();
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
        affix(key, text(key))?;
    }
    if let Some(most) = model.get("max_input_chars_per_word")
        && most.as_u64().is_none_or(|most| most > MAX_WORD_CHARACTERS)
    {
        return refuse(
            format!("a max_input_chars_per_word of at most {MAX_WORD_CHARACTERS}"),
            most.to_string(),
        );
    }
    // With dropout, a text has different tokens each time.
    if let Some(dropout) = model.get("dropout").and_then(Value::as_f64)
        && dropout != 0.0
    {
        return refuse("a model without dropout", dropout.to_string());
    }
    if let Some(pieces) = model.get("vocab").and_then(Value::as_array) {
        unigram_pieces(pieces)?;
    }
    match model.get("merges").and_then(Value::as_array) {
        Some(list) => merges(list, model.get("vocab"), text("continuing_subword_prefix")),
        None => Ok(()),
    }
}

fn unigram_pieces(pieces: &[Value]) -> Result<(), Refusal> {
    let lengths = || pieces.iter().filter_map(|piece| piece.get(0)?.as_str()).map(str::len);
    if let Some(length) = lengths().find(|&length| length > MAX_PIECE_BYTES) {
        return refuse(format!("pieces of at most {MAX_PIECE_BYTES} bytes"), format!("a piece of {length}"));
    }
    let all: usize = lengths().sum();
    if all > MAX_VOCABULARY_BYTES {
        return refuse(format!("pieces of at most {MAX_VOCABULARY_BYTES} bytes in all"), all.to_string());
    }
    Ok(())
}

/// The crate joins the halves of each merge in a buffer as long as the longest token; the second half loses
/// its prefix.
fn merges(list: &[Value], vocabulary: Option<&Value>, prefix: &str) -> Result<(), Refusal> {
    let longest = vocabulary.and_then(Value::as_object);
    let longest = longest.and_then(|tokens| tokens.keys().map(String::len).max()).unwrap_or(0);
    for merge in list {
        // The crate itself refuses what has neither of the two forms.
        let halves = match merge {
            Value::String(line) => line.split_once(' '),
            pair => pair.get(0).and_then(Value::as_str).zip(pair.get(1).and_then(Value::as_str)),
        };
        let Some((first, second)) = halves else { continue };
        // A version line of an old file is no merge.
        if merge.as_str().is_some_and(|line| line.starts_with("#version")) {
            continue;
        }
        let Some(rest) = second.strip_prefix(prefix) else {
            return refuse(format!("a merge whose second half begins with {prefix:?}"), format!("{merge}"));
        };
        if first.len() + rest.len() > longest {
            return refuse(format!("a merge into a token, of at most {longest} bytes"), format!("{merge}"));
        }
    }
    Ok(())
}

/// Validates the added tokens, which a tokenizer matches in the text before anything else.
///
/// If one token strips the spaces after it, another token that consists of spaces only and strips those
/// before it would begin after its own end, and the crate would panic.
pub(super) fn added_tokens(tokenizer: &Tokenizer) -> Result<(), Refusal> {
    let tokens = tokenizer.get_added_tokens_decoder();
    if !tokens.values().any(|token| token.rstrip) {
        return Ok(());
    }
    for token in tokens.values().filter(|token| token.lstrip && !token.rstrip) {
        let mut text = tokenizers::NormalizedString::from(token.content.as_str());
        if token.normalized
            && let Some(normalizer) = tokenizer.get_normalizer()
        {
            tokenizers::Normalizer::normalize(normalizer, &mut text)
                .map_err(|error| ("an added token that can be normalized".to_owned(), error.to_string()))?;
        }
        if text.get().chars().all(char::is_whitespace) {
            return refuse(
                "no added token of spaces with lstrip beside one with rstrip",
                format!("{:?}", token.content),
            );
        }
    }
    Ok(())
}
