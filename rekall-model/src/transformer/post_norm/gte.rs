//! GTE of the second generation: rotary positions, gated units with GELU, queries, keys and values in one matrix. After Zhang et
//! al., "mGTE" (2024).
//!
//! Its `config.json` has two forms: `model_type` is `new` in the authors' files, and `gte` in those of others and of transformers.

use std::path::Path;

use serde::Deserialize;

use super::form::{Form, Half, Matrix, Names, Rope, activation_of};
use crate::Error;
use crate::files::read_json;

const NAMES: Names = Names {
    norm: "embeddings.LayerNorm",
    layers: "encoder.layer",
    qkv: &["attention.qkv_proj"],
    attention: "attention.o_proj",
    attention_norm: "attn_ln",
    // The activated half is the second one.
    up: Matrix::half("mlp.up_gate_proj", Half::Second),
    gate: Some(Matrix::half("mlp.up_gate_proj", Half::First)),
    down: "mlp.down_proj",
    output_norm: "mlp_ln",
    has_attention_bias: true,
    has_up_bias: false,
    has_down_bias: true,
};

#[derive(Deserialize)]
struct Config {
    model_type: String,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    vocab_size: usize,
    type_vocab_size: Option<usize>,
    #[serde(default = "default_epsilon")]
    layer_norm_eps: f64,
    #[serde(default = "default_activation")]
    hidden_act: String,
    rope_theta: Option<f64>,
    rope_scaling: Option<Rotary>,
    rope_parameters: Option<Rotary>,
    #[serde(default = "default_positions")]
    position_embedding_type: String,
    #[serde(default = "default_norm")]
    layer_norm_type: String,
    #[serde(default = "yes")]
    pack_qkv: bool,
    #[serde(default)]
    logn_attention_scale: bool,
}

#[derive(Deserialize)]
struct Rotary {
    #[serde(alias = "type")]
    rope_type: Option<String>,
    rope_theta: Option<f64>,
    factor: Option<f64>,
    /// Another way of scaling.
    mixed_b: Option<f64>,
}

fn default_epsilon() -> f64 {
    1e-12
}

fn default_activation() -> String {
    "gelu".into()
}

fn default_positions() -> String {
    "rope".into()
}

fn default_norm() -> String {
    "layer_norm".into()
}

fn yes() -> bool {
    true
}

/// Reads and checks a `config.json`.
pub(in crate::transformer) fn read(path: &Path) -> Result<Form, Error> {
    let config: Config = read_json(path)?;
    let form = config.form(path)?;
    form.check(path)?;
    Ok(form)
}

impl Config {
    fn form(&self, path: &Path) -> Result<Form, Error> {
        let unsupported = |expected: &str, got: String| {
            Err(Error::UnsupportedModel { path: path.to_owned(), expected: expected.into(), got })
        };
        let Some(activation) = activation_of(&self.hidden_act) else {
            return unsupported("hidden_act gelu, relu or silu", self.hidden_act.clone());
        };
        if self.position_embedding_type != "rope" {
            return unsupported("position_embedding_type rope", self.position_embedding_type.clone());
        }
        if self.layer_norm_type != "layer_norm" {
            return unsupported("layer_norm_type layer_norm", self.layer_norm_type.clone());
        }
        if !self.pack_qkv {
            return unsupported("pack_qkv true", "false".into());
        }
        if self.logn_attention_scale {
            return unsupported("logn_attention_scale false", "true".into());
        }
        let is_authors = self.model_type == "new";
        let rope = self.rope_parameters.as_ref().or(self.rope_scaling.as_ref());
        let factor = match rope.and_then(|rope| rope.rope_type.as_deref()) {
            None | Some("default") => 1.0,
            Some("ntk") if rope.is_some_and(|rope| rope.mixed_b.is_none()) => {
                rope.and_then(|rope| rope.factor).unwrap_or(1.0)
            }
            Some(kind) => {
                let mixed = rope.and_then(|rope| rope.mixed_b);
                let got = mixed.map_or(kind.to_owned(), |b| format!("{kind} with mixed_b {b}"));
                return unsupported("rotary positions of the type default or ntk", got);
            }
        };
        let theta = rope.and_then(|rope| rope.rope_theta).or(self.rope_theta);
        Ok(Form {
            family: "gte",
            hidden_size: self.hidden_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            inner_size: self.intermediate_size,
            vocabulary: self.vocab_size,
            positions: self.max_position_embeddings,
            epsilon: self.layer_norm_eps,
            activation,
            learned: None,
            rotary: Some(Rope {
                theta: theta.unwrap_or(if is_authors { 10_000.0 } else { 160_000.0 }),
                factor,
            }),
            distance: None,
            names: &NAMES,
            has_types: self.type_vocab_size.unwrap_or(1) > 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As gte-multilingual-base has it.
    const AUTHORS: &str = r#"{"model_type": "new", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 40, "max_position_embeddings": 8192, "vocab_size": 300, "type_vocab_size": 1,
        "layer_norm_eps": 1e-12, "layer_norm_type": "layer_norm", "hidden_act": "gelu", "rope_theta": 20000,
        "rope_scaling": {"factor": 8.0, "type": "ntk"}, "position_embedding_type": "rope", "pack_qkv": true,
        "logn_attention_scale": false}"#;

    fn form(text: &str) -> Result<Form, Error> {
        let config: Config = serde_json::from_str(text).unwrap();
        let path = Path::new("config.json");
        let form = config.form(path)?;
        form.check(path).map(|()| form)
    }

    #[test]
    fn all_that_changes_vectors_is_described() {
        let plain = form(AUTHORS).unwrap().describe();
        // Stored in databases: a change of its text would separate every existing file from its model.
        assert_eq!(
            plain,
            "hidden_size=32; num_hidden_layers=2; num_attention_heads=2; intermediate_size=40; vocab_size=300; \
             layer_norm_eps=1e-12; activation=gelu; types=true; theta=2e4; factor=8e0"
        );
        for (from, to) in [
            ("\"num_attention_heads\": 2", "\"num_attention_heads\": 4"),
            ("\"gelu\"", "\"silu\""),
            ("20000", "10000"),
            ("8.0", "2.0"),
            ("\"type_vocab_size\": 1", "\"type_vocab_size\": 0"),
        ] {
            assert_ne!(form(&AUTHORS.replacen(from, to, 1)).unwrap().describe(), plain, "{to}");
        }
        // The same network as transformers writes it.
        let unscaled = AUTHORS.replace(r#"{"factor": 8.0, "type": "ntk"}"#, "null");
        let other = unscaled.replace("\"new\"", "\"gte\"").replace(
            "\"rope_theta\": 20000",
            r#""rope_parameters": {"rope_theta": 20000.0, "rope_type": "default"}"#,
        );
        assert_eq!(form(&unscaled).unwrap().describe(), form(&other).unwrap().describe());
    }

    #[test]
    fn what_cannot_be_run_is_refused() {
        for (from, to, expected) in [
            ("\"gelu\"", "\"gelu_new\"", "hidden_act gelu, relu or silu, got gelu_new"),
            ("\"ntk\"", "\"yarn\"", "of the type default or ntk, got yarn"),
            ("\"ntk\"", "\"ntk\", \"mixed_b\": 0.75", "got ntk with mixed_b 0.75"),
            ("8.0", "0.5", "a factor of the rotary positions"),
            ("20000", "0.0", "a theta"),
            ("\"rope\"", "\"absolute\"", "position_embedding_type rope, got absolute"),
            ("\"layer_norm\"", "\"rms_norm\"", "layer_norm_type layer_norm, got rms_norm"),
            ("\"pack_qkv\": true", "\"pack_qkv\": false", "pack_qkv true"),
            (
                "\"logn_attention_scale\": false",
                "\"logn_attention_scale\": true",
                "logn_attention_scale false",
            ),
            ("8192", "100000000", "at most 1048576 positions"),
        ] {
            assert!(AUTHORS.contains(from));
            let message = form(&AUTHORS.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
