//! DistilBERT: BERT without token types and pooler, under other names. After Sanh et al., "DistilBERT, a distilled version of
//! BERT" (2019).

use std::path::Path;

use serde::Deserialize;

use super::form::{Form, Learned, Matrix, Names, activation_of};
use crate::Error;
use crate::files::read_json;

const NAMES: Names = Names {
    norm: "embeddings.LayerNorm",
    layers: "transformer.layer",
    qkv: &["attention.q_lin", "attention.k_lin", "attention.v_lin"],
    attention: "attention.out_lin",
    attention_norm: "sa_layer_norm",
    up: Matrix::whole("ffn.lin1"),
    gate: None,
    down: "ffn.lin2",
    output_norm: "output_layer_norm",
    has_attention_bias: true,
    has_up_bias: true,
    has_down_bias: true,
};

/// What `config.json` says. `sinusoidal_pos_embds` only says how the position vectors, which the file has, were begun.
#[derive(Deserialize)]
struct Config {
    dim: usize,
    n_layers: usize,
    n_heads: usize,
    hidden_dim: usize,
    max_position_embeddings: usize,
    vocab_size: usize,
    #[serde(default = "default_activation")]
    activation: String,
}

fn default_activation() -> String {
    "gelu".into()
}

/// Reads and checks a `config.json`.
pub(in crate::transformer) fn read(path: &Path) -> Result<Form, Error> {
    let config: Config = read_json(path)?;
    let Some(activation) = activation_of(&config.activation) else {
        return Err(Error::UnsupportedModel {
            path: path.to_owned(),
            expected: "activation gelu, relu or silu".into(),
            got: config.activation,
        });
    };
    let form = Form {
        family: "distilbert",
        hidden_size: config.dim,
        layers: config.n_layers,
        heads: config.n_heads,
        inner_size: config.hidden_dim,
        vocabulary: config.vocab_size,
        positions: config.max_position_embeddings,
        // No setting of this family.
        epsilon: 1e-12,
        activation,
        learned: Some(Learned { rows: config.max_position_embeddings, padding: None }),
        rotary: None,
        distance: None,
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
        const PLAIN: &str = r#"{"model_type": "distilbert", "dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 40,
            "max_position_embeddings": 64, "vocab_size": 300, "activation": "gelu", "sinusoidal_pos_embds": true}"#;
        let read_text = |text: &str| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("config.json");
            std::fs::write(&path, text).unwrap();
            read(&path)
        };
        // Stored in databases: a change of its text would separate every existing file from its model.
        assert_eq!(
            read_text(PLAIN).unwrap().describe(),
            "hidden_size=32; num_hidden_layers=2; num_attention_heads=2; intermediate_size=40; vocab_size=300; \
             layer_norm_eps=1e-12; activation=gelu; types=false; positions=64; counted_padding=none"
        );
        for (from, to, expected) in [
            ("\"n_heads\": 2", "\"n_heads\": 3", "a multiple of the number of heads, got 32 and 3"),
            ("\"n_layers\": 2", "\"n_layers\": 0", "sizes above 0"),
            ("gelu", "tanh", "activation gelu, relu or silu, got tanh"),
        ] {
            let message = read_text(&PLAIN.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
