//! How a `tokenizer.json` puts a query and a passage together.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::Error;

/// Most special tokens in one place. Known models have two.
const MAX_SPECIAL_TOKENS: usize = 64;

/// The special tokens around and between two texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PairTemplate {
    before: Vec<u32>,
    between: Vec<u32>,
    after: Vec<u32>,
    /// Whether the second text's tokens are of another type.
    has_types: bool,
}

/// A query and a passage as the network reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) ids: Vec<u32>,
    /// Where the tokens of the other type begin.
    pub(super) second: Option<usize>,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    post_processor: Value,
}

impl PairTemplate {
    pub(super) fn read(path: &Path, json: &[u8]) -> Result<Self, Error> {
        let file: File = serde_json::from_slice(json)
            .map_err(|error| Error::invalid_file(path, "a tokenizer.json", error.to_string()))?;
        Self::of(&file.post_processor).ok_or_else(|| Error::UnsupportedModel {
            path: path.to_owned(),
            expected:
                "a post_processor of type BertProcessing, RobertaProcessing or TemplateProcessing that joins \
                       two texts"
                    .into(),
            got: file.post_processor.get("type").map_or_else(|| "another".into(), Value::to_string),
        })
    }

    fn of(processor: &Value) -> Option<Self> {
        let id = |value: &Value| u32::try_from(value.as_u64()?).ok();
        match processor.get("type")?.as_str()? {
            kind @ ("BertProcessing" | "RobertaProcessing") => {
                let (start, end) = (id(processor.pointer("/cls/1")?)?, id(processor.pointer("/sep/1")?)?);
                let is_bert = kind == "BertProcessing";
                let between = if is_bert { vec![end] } else { vec![end, end] };
                Some(Self { before: vec![start], between, after: vec![end], has_types: is_bert })
            }
            "TemplateProcessing" => Self::of_template(processor),
            "Sequence" => processor.get("processors")?.as_array()?.iter().find_map(Self::of),
            _ => None,
        }
    }

    fn of_template(processor: &Value) -> Option<Self> {
        let mut template = Self::default();
        let mut texts = 0;
        for piece in processor.get("pair")?.as_array()? {
            if let Some(text) = piece.get("Sequence") {
                let name = if texts == 0 { "A" } else { "B" };
                if text.get("id")?.as_str()? != name || texts == 2 {
                    return None;
                }
                template.has_types = text.get("type_id")?.as_u64()? != 0;
                texts += 1;
                continue;
            }
            let name = piece.get("SpecialToken")?.get("id")?.as_str()?;
            let ids = processor.get("special_tokens")?.get(name)?.get("ids")?.as_array()?;
            let place = match texts {
                0 => &mut template.before,
                1 => &mut template.between,
                _ => &mut template.after,
            };
            if place.len() + ids.len() > MAX_SPECIAL_TOKENS {
                return None;
            }
            for value in ids {
                place.push(u32::try_from(value.as_u64()?).ok()?);
            }
        }
        (texts == 2).then_some(template)
    }

    /// Special tokens in all.
    pub(super) fn count(&self) -> usize {
        self.before.len() + self.between.len() + self.after.len()
    }

    /// The highest id of a special token.
    pub(super) fn highest(&self) -> Option<u32> {
        self.before.iter().chain(&self.between).chain(&self.after).copied().max()
    }

    /// A pair of at most `limit` tokens: of two long texts each gets a half, of one long text as much as the other leaves.
    pub(super) fn join(&self, query: &[u32], passage: &[u32], limit: usize) -> Pair {
        let room = limit.saturating_sub(self.count());
        let (own, other) = shares(query.len(), passage.len(), room);
        let mut ids = Vec::with_capacity(self.count() + own + other);
        ids.extend_from_slice(&self.before);
        ids.extend_from_slice(&query[..own]);
        ids.extend_from_slice(&self.between);
        let second = self.has_types.then_some(ids.len());
        ids.extend_from_slice(&passage[..other]);
        ids.extend_from_slice(&self.after);
        Pair { ids, second }
    }
}

/// How many tokens of each text there is room for, as the reference shares it.
fn shares(first: usize, second: usize, room: usize) -> (usize, usize) {
    if first + second <= room {
        return (first, second);
    }
    let half = room / 2;
    match (first.min(second) <= half, first <= second) {
        (true, true) => (first, room - first),
        (true, false) => (room - second, second),
        // The longer one gets the odd token.
        (false, true) => (half, room - half),
        (false, false) => (room - half, half),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_processor() {
        let bert =
            PairTemplate::of(&json!({"type": "BertProcessing", "cls": ["[CLS]", 2], "sep": ["[SEP]", 3]}));
        let pair = bert.unwrap().join(&[7], &[8, 9], 100);
        assert_eq!(pair, Pair { ids: vec![2, 7, 3, 8, 9, 3], second: Some(3) });
        let roberta =
            PairTemplate::of(&json!({"type": "RobertaProcessing", "cls": ["<s>", 0], "sep": ["</s>", 2]}));
        let pair = roberta.unwrap().join(&[7], &[8, 9], 100);
        assert_eq!(pair, Pair { ids: vec![0, 7, 2, 2, 8, 9, 2], second: None });
        let template = |type_id| {
            json!({"type": "Sequence", "processors": [{"type": "ByteLevel"}, {"type": "TemplateProcessing",
                "pair": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                    {"SpecialToken": {"id": "[SEP]", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": type_id}},
                    {"SpecialToken": {"id": "[SEP]", "type_id": type_id}}],
                "special_tokens": {"[CLS]": {"ids": [2]}, "[SEP]": {"ids": [3]}}}]})
        };
        let typed = PairTemplate::of(&template(1)).unwrap();
        assert_eq!((typed.count(), typed.highest()), (3, Some(3)));
        assert_eq!(typed.join(&[7], &[8], 100), Pair { ids: vec![2, 7, 3, 8, 3], second: Some(3) });
        assert_eq!(PairTemplate::of(&template(0)).unwrap().join(&[7], &[8], 100).second, None);
        for none in
            [json!(null), json!({"type": "ByteLevel"}), json!({"type": "TemplateProcessing", "pair": []})]
        {
            assert_eq!(PairTemplate::of(&none), None);
        }
    }

    #[test]
    fn long_texts_share_the_room() {
        assert_eq!(shares(3, 4, 7), (3, 4));
        assert_eq!(shares(3, 40, 20), (3, 17));
        assert_eq!(shares(40, 3, 20), (17, 3));
        assert_eq!(shares(40, 50, 21), (10, 11));
        assert_eq!(shares(50, 40, 21), (11, 10));
        assert_eq!(shares(5, 5, 0), (0, 0));
    }
}
