//! What a model is, by its `config.json`: judged before anything large is read or downloaded.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::Error;
use crate::files::read_json;

/// What runs a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Architecture {
    /// Token vectors and their mean.
    Static,
    /// A transformer with a pooling on top.
    Transformer(Family),
}

/// Transformers that are run in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// BERT, and what differs from it in positions and tokenizers only; also JinaBERT, which a further key tells from it.
    Bert,
    /// Qwen3 and Gemma 3.
    Decoder,
    DistilBert,
    /// GTE of the second generation.
    Gte,
    ModernBert,
    MpNet,
    NomicBert,
}

/// The values of `model_type` that are known. `docs/models.md` says which models have them.
const KNOWN: [(&str, Architecture); 13] = [
    ("bert", Architecture::Transformer(Family::Bert)),
    ("camembert", Architecture::Transformer(Family::Bert)),
    ("distilbert", Architecture::Transformer(Family::DistilBert)),
    ("gemma3_text", Architecture::Transformer(Family::Decoder)),
    ("gte", Architecture::Transformer(Family::Gte)),
    ("model2vec", Architecture::Static),
    ("modernbert", Architecture::Transformer(Family::ModernBert)),
    ("mpnet", Architecture::Transformer(Family::MpNet)),
    ("new", Architecture::Transformer(Family::Gte)),
    ("nomic_bert", Architecture::Transformer(Family::NomicBert)),
    ("qwen3", Architecture::Transformer(Family::Decoder)),
    ("roberta", Architecture::Transformer(Family::Bert)),
    ("xlm-roberta", Architecture::Transformer(Family::Bert)),
];

/// The part of `config.json` that says what the model is.
#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    model_type: Option<String>,
    /// For the message alone, so that no value of it is an error of its own.
    #[serde(default)]
    architectures: Value,
}

impl Architecture {
    /// Whether models of this `model_type` are pooled, one way or another.
    #[cfg(feature = "hub")]
    pub(crate) fn is_pooled(model_type: &str) -> bool {
        KNOWN.iter().any(|(known, architecture)| *known == model_type && *architecture != Self::Static)
    }

    /// Reads `path`, a `config.json`.
    ///
    /// # Errors
    /// [`Error::UnsupportedModel`] with the architectures that are known, for any other; [`Error::MissingFile`],
    /// [`Error::InvalidFile`] and [`Error::Io`] for the file.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let config: Config = read_json(path)?;
        let known = |name: &str| KNOWN.iter().find(|(known, _)| *known == name);
        if let Some((_, architecture)) = config.model_type.as_deref().and_then(known) {
            return Ok(*architecture);
        }
        let classes = config.architectures.as_array().into_iter().flatten().filter_map(Value::as_str);
        let classes: Vec<&str> = classes.take(4).collect();
        let name = config.model_type.map_or_else(|| "none".into(), |name| format!("{name:?}"));
        let got = if classes.is_empty() { name } else { format!("{name} ({})", classes.join(", ")) };
        let names: Vec<&str> = KNOWN.iter().map(|(name, _)| *name).collect();
        Err(Error::UnsupportedModel {
            path: path.to_owned(),
            expected: format!("one of the architectures that are known ({})", names.join(", ")),
            got,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Architecture, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        std::fs::write(&path, json).unwrap();
        Architecture::read(&path)
    }

    #[test]
    fn an_unknown_architecture_is_named_with_all_that_are_known() {
        for (name, architecture) in KNOWN {
            assert_eq!(read(&format!(r#"{{"model_type": "{name}"}}"#)).unwrap(), architecture);
        }
        let refusal = |json: &str| read(json).unwrap_err().to_string();
        let llama = refusal(r#"{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}"#);
        assert!(llama.ends_with(r#"got "llama" (LlamaForCausalLM)"#), "{llama}");
        for (name, _) in KNOWN {
            assert!(llama.contains(name), "{llama}");
        }
        assert!(refusal("{}").ends_with("got none"));
        assert!(refusal(r#"{"model_type": "bart", "architectures": null}"#).ends_with(r#"got "bart""#));
    }
}
