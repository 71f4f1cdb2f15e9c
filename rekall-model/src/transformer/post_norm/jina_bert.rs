//! JinaBERT, second generation: BERT whose positions are a distance times a number of the head (ALiBi), with gated units. After
//! Günther et al., "Jina Embeddings 2" (2023).
//!
//! Its `model_type` is `bert`; its position_embedding_type tells it from BERT.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::form::{Distance, Form, Half, Matrix, Names};
use crate::Error;
use crate::cpu::Activation;
use crate::files::read_json;

const NAMES: Names = Names {
    norm: "embeddings.LayerNorm",
    layers: "encoder.layer",
    qkv: &["attention.self.query", "attention.self.key", "attention.self.value"],
    attention: "attention.output.dense",
    attention_norm: "attention.output.LayerNorm",
    up: Matrix::half("mlp.gated_layers", Half::First),
    gate: Some(Matrix::half("mlp.gated_layers", Half::Second)),
    down: "mlp.wo",
    output_norm: "mlp.layernorm",
    has_attention_bias: true,
    has_up_bias: false,
    has_down_bias: true,
};

#[derive(Deserialize)]
struct Config {
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    vocab_size: usize,
    #[serde(default = "default_types")]
    type_vocab_size: usize,
    #[serde(default = "default_epsilon")]
    layer_norm_eps: f64,
    #[serde(default = "default_unit")]
    feed_forward_type: String,
    /// Where the authors' code is.
    #[serde(default)]
    auto_map: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Positions {
    position_embedding_type: Option<String>,
}

fn default_types() -> usize {
    2
}

fn default_epsilon() -> f64 {
    1e-12
}

fn default_unit() -> String {
    "original".into()
}

/// Whether a `config.json` of the `model_type` `bert` is one of these.
pub(in crate::transformer) fn is_meant(path: &Path) -> Result<bool, Error> {
    let Positions { position_embedding_type } = read_json(path)?;
    Ok(position_embedding_type.is_some_and(|kind| kind == "alibi"))
}

/// Reads and checks a `config.json`.
pub(in crate::transformer) fn read(path: &Path) -> Result<Form, Error> {
    let config: Config = read_json(path)?;
    let code = config.auto_map.values().filter_map(Value::as_str).find(|code| code.contains("qk-post-norm"));
    if let Some(code) = code {
        return Err(Error::UnsupportedModel {
            path: path.to_owned(),
            expected: "a JinaBERT whose queries and keys are not normalized".into(),
            got: code.into(),
        });
    }
    // The unit's own activation counts, whatever `hidden_act` says.
    let activation = match &*config.feed_forward_type {
        "geglu" => Activation::Gelu,
        "reglu" => Activation::Relu,
        _ => {
            return Err(Error::UnsupportedModel {
                path: path.to_owned(),
                expected: "feed_forward_type geglu or reglu, where positions are alibi".into(),
                got: config.feed_forward_type,
            });
        }
    };
    let form = Form {
        family: "jina-bert",
        hidden_size: config.hidden_size,
        layers: config.num_hidden_layers,
        heads: config.num_attention_heads,
        inner_size: config.intermediate_size,
        vocabulary: config.vocab_size,
        positions: config.max_position_embeddings,
        epsilon: config.layer_norm_eps,
        activation,
        learned: None,
        rotary: None,
        distance: Some(Distance::Slopes),
        names: &NAMES,
        has_types: config.type_vocab_size > 0,
    };
    form.check(path)?;
    Ok(form)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As jina-embeddings-v2-small-en has it.
    const JINA: &str = r#"{"model_type": "bert", "position_embedding_type": "alibi", "feed_forward_type": "geglu", "hidden_size": 32,
        "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 40, "max_position_embeddings": 8192,
        "vocab_size": 300, "type_vocab_size": 2, "auto_map": {"AutoModel": "jinaai/jina-bert-implementation--modeling_bert.JinaBertModel"}}"#;

    fn read_text(text: &str) -> Result<Form, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        std::fs::write(&path, text).unwrap();
        assert!(is_meant(&path).unwrap());
        read(&path)
    }

    #[test]
    fn a_network_of_another_kind_is_refused() {
        // Stored in databases: a change of its text would separate every existing file from its model.
        assert_eq!(
            read_text(JINA).unwrap().describe(),
            "hidden_size=32; num_hidden_layers=2; num_attention_heads=2; intermediate_size=40; vocab_size=300; \
             layer_norm_eps=1e-12; activation=gelu; types=true; slopes"
        );
        for (from, to, expected) in [
            (
                "geglu",
                "original",
                "feed_forward_type geglu or reglu, where positions are alibi, got original",
            ),
            (
                "bert-implementation",
                "bert-v2-qk-post-norm",
                "queries and keys are not normalized, got jinaai",
            ),
            ("\"num_attention_heads\": 2", "\"num_attention_heads\": 5", "a multiple of the number of heads"),
            ("8192", "100000000", "at most 1048576 positions"),
        ] {
            assert!(JINA.contains(from));
            let message = read_text(&JINA.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
