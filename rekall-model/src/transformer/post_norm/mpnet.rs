//! MPNet: BERT without token types, whose positions enter twice: as vectors, and as a learned number for the distance between
//! two tokens, which all layers share. After Song et al., "MPNet" (2020).

use std::path::Path;

use serde::Deserialize;

use super::form::{Distance, Form, Learned, Matrix, Names, activation_of};
use crate::Error;
use crate::files::read_json;

const NAMES: Names = Names {
    norm: "embeddings.LayerNorm",
    layers: "encoder.layer",
    qkv: &["attention.attn.q", "attention.attn.k", "attention.attn.v"],
    attention: "attention.attn.o",
    attention_norm: "attention.LayerNorm",
    up: Matrix::whole("intermediate.dense"),
    gate: None,
    down: "output.dense",
    output_norm: "output.LayerNorm",
    has_attention_bias: true,
    has_up_bias: true,
    has_down_bias: true,
};

/// The padding's token; the reference takes no other, whatever `config.json` says.
const PADDING: usize = 1;

/// Classes of distances; the same.
const BUCKETS: usize = 32;

#[derive(Deserialize)]
struct Config {
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    vocab_size: usize,
    #[serde(default = "default_epsilon")]
    layer_norm_eps: f64,
    #[serde(default = "default_activation")]
    hidden_act: String,
    #[serde(default = "default_buckets")]
    relative_attention_num_buckets: usize,
}

fn default_epsilon() -> f64 {
    1e-12
}

fn default_activation() -> String {
    "gelu".into()
}

fn default_buckets() -> usize {
    BUCKETS
}

/// Reads and checks a `config.json`.
pub(in crate::transformer) fn read(path: &Path) -> Result<Form, Error> {
    let config: Config = read_json(path)?;
    let unsupported = |expected: &str, got: String| {
        Err(Error::UnsupportedModel { path: path.to_owned(), expected: expected.into(), got })
    };
    let Some(activation) = activation_of(&config.hidden_act) else {
        return unsupported("hidden_act gelu, relu or silu", config.hidden_act);
    };
    if config.relative_attention_num_buckets != BUCKETS {
        let got = config.relative_attention_num_buckets.to_string();
        return unsupported("relative_attention_num_buckets 32, as the reference always has", got);
    }
    let rows = config.max_position_embeddings;
    let form = Form {
        family: "mpnet",
        hidden_size: config.hidden_size,
        layers: config.num_hidden_layers,
        heads: config.num_attention_heads,
        inner_size: config.intermediate_size,
        vocabulary: config.vocab_size,
        positions: rows.saturating_sub(PADDING + 1),
        epsilon: config.layer_norm_eps,
        activation,
        learned: Some(Learned { rows, padding: Some(PADDING) }),
        rotary: None,
        distance: Some(Distance::Buckets { table: "encoder.relative_attention_bias.weight", count: BUCKETS }),
        names: &NAMES,
        has_types: false,
    };
    form.check(path)?;
    Ok(form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_read_as_it_is_written() {
        const PLAIN: &str = r#"{"model_type": "mpnet", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
            "intermediate_size": 40, "max_position_embeddings": 66, "vocab_size": 300, "layer_norm_eps": 1e-05,
            "relative_attention_num_buckets": 32}"#;
        let read_text = |text: &str| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("config.json");
            std::fs::write(&path, text).unwrap();
            read(&path)
        };
        let form = read_text(PLAIN).unwrap();
        // Stored in databases: a change of its text would separate every existing file from its model.
        assert_eq!(
            form.describe(),
            "hidden_size=32; num_hidden_layers=2; num_attention_heads=2; intermediate_size=40; vocab_size=300; \
             layer_norm_eps=1e-5; activation=gelu; types=false; positions=66; counted_padding=1; buckets=32"
        );
        assert_eq!(form.positions, 64);
        for (from, to, expected) in [
            ("66", "2", "sizes above 0"),
            ("buckets\": 32", "buckets\": 64", "relative_attention_num_buckets 32"),
            ("{", "{\"hidden_act\": \"tanh\",", "hidden_act gelu, relu or silu, got tanh"),
            ("1e-05", "2.0", "an epsilon of the layer norms from 0 to 1, got 2"),
        ] {
            let message = read_text(&PLAIN.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
