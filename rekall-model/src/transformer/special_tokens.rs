//! The special tokens that a `tokenizer.json` puts around a single text.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::Error;

/// Ids before and after a text, such as `[CLS]` and `[SEP]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SpecialTokens {
    pub(super) before: Vec<u32>,
    pub(super) after: Vec<u32>,
}

/// Most special tokens around a text. Known models have two.
const MAX_SPECIAL_TOKENS: usize = 256;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    post_processor: Value,
}

impl SpecialTokens {
    pub(super) fn read(path: &Path, json: &[u8]) -> Result<Self, Error> {
        let file: File = serde_json::from_slice(json)
            .map_err(|error| Error::invalid_file(path, "a tokenizer.json", error.to_string()))?;
        Self::of(&file.post_processor).ok_or_else(|| Error::UnsupportedModel {
            path: path.to_owned(),
            expected: format!(
                "a post_processor of type BertProcessing, RobertaProcessing or TemplateProcessing with at most {MAX_SPECIAL_TOKENS} \
                 special tokens"
            ),
            got: file.post_processor.get("type").map_or_else(|| "another".into(), Value::to_string),
        })
    }

    fn of(processor: &Value) -> Option<Self> {
        if processor.is_null() {
            return Some(Self::default());
        }
        let id = |value: &Value| u32::try_from(value.as_u64()?).ok();
        match processor.get("type")?.as_str()? {
            "BertProcessing" | "RobertaProcessing" => Some(Self {
                before: vec![id(processor.pointer("/cls/1")?)?],
                after: vec![id(processor.pointer("/sep/1")?)?],
            }),
            "TemplateProcessing" => {
                let mut tokens = Self::default();
                let mut text_seen = false;
                for piece in processor.get("single")?.as_array()? {
                    let Some(special) = piece.get("SpecialToken") else {
                        piece.get("Sequence")?;
                        text_seen = true;
                        continue;
                    };
                    let name = special.get("id")?.as_str()?;
                    let ids = processor.get("special_tokens")?.get(name)?.get("ids")?.as_array()?;
                    let side = if text_seen { &mut tokens.after } else { &mut tokens.before };
                    // Checked before the ids are copied: pieces times ids can be the square of the file's
                    // size.
                    if side.len() + ids.len() > MAX_SPECIAL_TOKENS {
                        return None;
                    }
                    for value in ids {
                        side.push(id(value)?);
                    }
                }
                text_seen.then_some(tokens)
            }
            // Steps such as byte-level offsets change no ids.
            "Sequence" => processor
                .get("processors")?
                .as_array()?
                .iter()
                .find_map(|inner| Self::of(inner).filter(|tokens| *tokens != Self::default())),
            _ => None,
        }
    }

    /// The highest id.
    pub(super) fn highest(&self) -> Option<u32> {
        self.before.iter().chain(&self.after).copied().max()
    }

    pub(super) fn count(&self) -> usize {
        self.before.len() + self.after.len()
    }
}
