//! Checks that a tokenizer belongs to the model, as far as its ids show.

use std::path::Path;

use super::shape::Shape;
use crate::Error;
use crate::tokenize::TextTokenizer;

/// `highest` is the highest id of the special tokens that are added. Refuses a tokenizer with ids that the model has no vectors for, with far fewer tokens than the model has
/// vectors, or with another padding token.
pub(super) fn check(
    path: &Path,
    tokenizer: &TextTokenizer,
    highest: Option<u32>,
    shape: &Shape,
) -> Result<(), Error> {
    let vocabulary = shape.vocabulary();
    let refuse = |expected: String, got: String| Err(Error::invalid_file(path, expected, got));
    let special = highest.map_or(0, |id| id as usize + 1);
    // Ids that are left out of texts may be in the tokenizer, and not among what is added.
    let end = special.max(tokenizer.ids_end().saturating_sub(shape.foreign_ids()));
    if end > vocabulary {
        return refuse(
            format!("ids below the {vocabulary} tokens that config.json says the model has"),
            format!("id {}", end - 1),
        );
    }
    // Tables are padded to sizes that suit the hardware, and some have room for further tokens: 35 in
    // multilingual-e5-small.
    let spare = (vocabulary / 100).max(256);
    if tokenizer.vocabulary() + spare < vocabulary {
        return refuse(
            format!("about the {vocabulary} tokens that config.json says the model has"),
            format!("{} tokens", tokenizer.vocabulary()),
        );
    }
    // In XLM-RoBERTa the padding's id determines positions. BERT ignores it, and well-known models with
    // BERT's network and XLM-RoBERTa's tokenizer have a wrong one (multilingual-e5-small).
    let padding = ["<pad>", "[PAD]"].iter().find_map(|token| tokenizer.special_id(token));
    match (padding, shape.counted_padding()) {
        (Some(id), Some(counted)) if id as usize != counted => refuse(
            format!("the padding's token with the pad_token_id {counted} of config.json"),
            format!("id {id}"),
        ),
        _ => Ok(()),
    }
}
