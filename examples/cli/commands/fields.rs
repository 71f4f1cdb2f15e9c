//! Values of arguments that need more than clap's parsing.

use std::io::{self, Read};

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rekall::{Context, EntryId};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::failure::Failure;

/// An id; a malformed one is refused before the database is looked at.
pub(crate) fn id(text: &str) -> Result<EntryId, Failure> {
    Ok(text.trim().parse::<EntryId>()?)
}

/// A text, or what the standard input holds when it is `-`.
pub(crate) fn text_or_stdin(text: &str) -> Result<String, Failure> {
    if text != "-" {
        return Ok(text.to_owned());
    }
    let mut content = String::new();
    match io::stdin().lock().read_to_string(&mut content) {
        Ok(_) => Ok(content),
        Err(error) => Err(Failure::Invalid { what: "standard input", problem: error.to_string() }),
    }
}

/// A structured context; an unknown key is an error that names it.
pub(crate) fn context(text: &str) -> Result<Context, Failure> {
    json("--context", text)
}

/// The host's own values.
pub(crate) fn metadata(text: &str) -> Result<Map<String, Value>, Failure> {
    json("--metadata", text)
}

fn json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::Invalid { what, problem: error.to_string() })
}

/// A vector as base64 of little-endian `f32` values; padding may be left out.
pub(crate) fn vector(text: &str) -> Result<Vec<f32>, Failure> {
    const BASE64: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let bytes = BASE64
        .decode(text.trim())
        .map_err(|error| Failure::Vector(format!("must be base64 of f32 values, got: {error}")))?;
    let (values, rest) = bytes.as_chunks::<4>();
    if values.is_empty() || !rest.is_empty() {
        let got = bytes.len();
        return Err(Failure::Vector(format!("must be f32 values of 4 bytes each, got {got} bytes")));
    }
    Ok(values.iter().map(|value| f32::from_le_bytes(*value)).collect())
}
