//! Model2Vec's files: which they are, what they must hold, and that they belong together.

use std::path::Path;

use safetensors::Dtype;
use serde::Deserialize;

use super::four_bit;
use super::number::Number;
use super::rows::TokenVectors;
use crate::Error;
use crate::bytes::Bytes;
use crate::files::{self, MAX_TOKENIZER_BYTES, digest, read_json};
use crate::mapped::MappedFile;
use crate::tensors::{self, MAX_DIMENSIONS};
use crate::tokenize::TextTokenizer;

/// What Python's `model2vec` uses if the configuration sets none.
pub(crate) const DEFAULT_MAX_LENGTH: usize = 512;

/// A model's files, read and checked.
#[derive(Debug)]
pub(crate) struct StaticFiles {
    pub(crate) name: String,
    pub(crate) tokenizer: TextTokenizer,
    pub(crate) vectors: TokenVectors,
    pub(crate) max_length: Option<usize>,
    pub(crate) convention: Convention,
    pub(crate) weights_digest: String,
    pub(crate) tokenizer_digest: String,
}

/// Whose arithmetic a model's vectors follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Convention {
    /// Model2Vec's: tokens have weights, unknown ones are left out, long texts are cut.
    Model2Vec,
    /// sentence-transformers': the mean of all tokens, unknown ones among them, of the whole text.
    SentenceTransformers,
}

impl Convention {
    /// As the fingerprint has it.
    pub(crate) fn pooling(self) -> &'static str {
        match self {
            Self::Model2Vec => "weighted-mean",
            Self::SentenceTransformers => "mean",
        }
    }
}

/// The keys of `config.json` that decide what a vector is.
#[derive(Debug, Deserialize)]
struct Config {
    /// Absent: the default; null: no limit.
    #[serde(default = "default_max_length")]
    max_length: Option<usize>,
}

fn default_max_length() -> Option<usize> {
    Some(DEFAULT_MAX_LENGTH)
}

/// Where a tokenizer itself cuts texts, which sentence-transformers lets it do.
#[derive(Debug, Deserialize)]
struct Cuts {
    #[serde(default)]
    truncation: Option<Truncation>,
}

#[derive(Debug, Deserialize)]
struct Truncation {
    max_length: usize,
}

/// (weights, tokenizer, config, name of the tensor of rows), tried in this order, as Python does.
const LAYOUTS: [[&str; 4]; 3] = [
    ["model.safetensors", "tokenizer.json", "config.json", four_bit::ROWS],
    ["model.safetensors", "tokenizer.json", "config_sentence_transformers.json", "embedding.weight"],
    [
        "0_StaticEmbedding/model.safetensors",
        "0_StaticEmbedding/tokenizer.json",
        "config_sentence_transformers.json",
        "embedding.weight",
    ],
];

impl StaticFiles {
    /// Which files a folder has.
    pub(super) fn layout(folder: &Path) -> Result<[&'static str; 4], Error> {
        let complete = |layout: &&[&str; 4]| layout[..3].iter().all(|name| folder.join(name).exists());
        LAYOUTS.iter().find(complete).copied().ok_or_else(|| {
            // Name the first file that the ordinary layout lacks.
            let missing = LAYOUTS[0][..3].iter().find(|name| !folder.join(name).exists());
            Error::MissingFile {
                path: folder.join(missing.unwrap_or(&"model.safetensors")),
                expected: "a file of a Model2Vec model".into(),
            }
        })
    }

    pub(crate) fn open(folder: &Path, name: &str) -> Result<Self, Error> {
        let [weights, tokenizer, config, tensor] = Self::layout(folder)?;
        let convention = match config {
            "config.json" => Convention::Model2Vec,
            _ => Convention::SentenceTransformers,
        };
        let weights_path = folder.join(weights);
        let weights = Bytes::from_mapped(MappedFile::open(&weights_path)?);
        let tokenizer_path = folder.join(tokenizer);
        let json = files::read(&tokenizer_path, MAX_TOKENIZER_BYTES)?;
        let tokenizer = TextTokenizer::parse(&tokenizer_path, &json)?;
        let (limited_by, max_length) = match convention {
            Convention::Model2Vec => {
                let path = folder.join(config);
                let config: Config = read_json(&path)?;
                (path, config.max_length)
            }
            Convention::SentenceTransformers => {
                let cuts: Cuts = serde_json::from_slice(&json).map_err(|error| {
                    Error::invalid_file(&tokenizer_path, "a tokenizer.json", error.to_string())
                })?;
                (tokenizer_path, cuts.truncation.map(|cut| cut.max_length))
            }
        };
        if max_length == Some(0) {
            return Err(Error::invalid_file(&limited_by, "a max_length of at least 1", "0"));
        }
        let vectors = TokenVectors::parse(&weights_path, &weights, tensor, tokenizer.vocabulary())?;
        let weights_digest = match vectors.number {
            Number::I4 => {
                four_bit::digest_in_eight_bits(&weights_path, &tensors::parse(&weights_path, &weights)?)?
            }
            _ => digest(&weights),
        };
        Ok(Self {
            name: name.to_owned(),
            vectors,
            tokenizer,
            max_length,
            convention,
            weights_digest,
            tokenizer_digest: digest(&json),
        })
    }
}

impl TokenVectors {
    /// Finds the tensors in a safetensors file and checks their shapes against the tokenizer.
    pub(crate) fn parse(
        path: &Path,
        file: &Bytes,
        rows: &'static str,
        vocabulary: usize,
    ) -> Result<Self, Error> {
        let bad = |expected: String, got: String| Error::invalid_file(path, expected, got);
        let tensors = tensors::parse(path, file)?;
        let (rows, view) = four_bit::find(path, &tensors, rows)?;
        let number = four_bit::number(path, rows, view.dtype())?;
        let &[count, columns] = view.shape() else {
            return Err(bad(format!("`{rows}` with 2 dimensions"), format!("shape {:?}", view.shape())));
        };
        let width = if number == Number::I4 { columns.saturating_mul(2) } else { columns };
        if width == 0 || count == 0 {
            return Err(bad(format!("`{rows}` with rows and columns"), format!("shape {:?}", view.shape())));
        }
        if width > MAX_DIMENSIONS {
            return Err(bad(
                format!("`{rows}` with at most {MAX_DIMENSIONS} numbers a row"),
                width.to_string(),
            ));
        }
        tensors::check_finite(path, rows, view.data(), view.dtype())?;
        let optional = |name: &str| -> Result<_, Error> {
            let Ok(view) = tensors.tensor(name) else { return Ok(None) };
            if view.shape() != [vocabulary] {
                let expected =
                    format!("`{name}` with one number for each of the tokenizer's {vocabulary} tokens");
                return Err(bad(expected, format!("shape {:?}", view.shape())));
            }
            Ok(Some(view))
        };
        let weights = match optional("weights")? {
            None => None,
            Some(view) => Some(match view.dtype() {
                Dtype::F16 | Dtype::F32 | Dtype::F64 => {
                    tensors::check_finite(path, "weights", view.data(), view.dtype())?;
                    match view.dtype() {
                        Dtype::F32 => {
                            part(file, view.data()).ok_or_else(|| bad("weights".into(), "none".into()))?
                        }
                        Dtype::F64 => narrowed(view.data(), |b: [u8; 8]| f64::from_le_bytes(b) as f32),
                        _ => narrowed(view.data(), |b: [u8; 2]| half::f16::from_le_bytes(b).to_f32()),
                    }
                }
                other => return Err(bad("`weights` in F16, F32 or F64".into(), format!("{other:?}"))),
            }),
        };
        let mapping = match optional("mapping")? {
            None => None,
            Some(view) => {
                let mapping: Vec<u64> = match view.dtype() {
                    Dtype::I64 | Dtype::U64 => {
                        view.data().as_chunks().0.iter().map(|b| u64::from_le_bytes(*b)).collect()
                    }
                    Dtype::I32 | Dtype::U32 => {
                        view.data().as_chunks().0.iter().map(|b| u32::from_le_bytes(*b).into()).collect()
                    }
                    Dtype::I16 | Dtype::U16 => {
                        view.data().as_chunks().0.iter().map(|b| u16::from_le_bytes(*b).into()).collect()
                    }
                    other => return Err(bad("`mapping` in integers".into(), format!("{other:?}"))),
                };
                if let Some(row) = mapping.iter().find(|&&row| row >= count as u64) {
                    return Err(bad(format!("`mapping` to rows below {count}"), row.to_string()));
                }
                Some(mapping.into_iter().map(|row| row as u32).collect())
            }
        };
        if mapping.is_none() && count != vocabulary {
            return Err(bad(
                format!("`{rows}` with a row for each of the tokenizer's {vocabulary} tokens"),
                format!("{count} rows"),
            ));
        }
        let rows = part(file, view.data()).ok_or_else(|| bad("token vectors".into(), "none".into()))?;
        Ok(Self { rows, number, width, weights, mapping })
    }
}

/// The view of `file` that `data`, a slice of it, is.
fn part(file: &Bytes, data: &[u8]) -> Option<Bytes> {
    let start = (data.as_ptr() as usize).checked_sub(file.as_ptr() as usize)?;
    file.slice(start..start + data.len())
}

/// Numbers as `f32`, on the heap.
fn narrowed<const N: usize>(data: &[u8], to_f32: impl Fn([u8; N]) -> f32) -> Bytes {
    data.as_chunks().0.iter().flat_map(|bytes| to_f32(*bytes).to_le_bytes()).collect::<Vec<u8>>().into()
}

/// Whether a folder holds one of the layouts that has no `config.json` to say what it is.
pub(crate) fn has_sentence_transformers_layout(folder: &Path) -> bool {
    LAYOUTS[1..].iter().any(|layout| layout[..3].iter().all(|name| folder.join(name).exists()))
}
