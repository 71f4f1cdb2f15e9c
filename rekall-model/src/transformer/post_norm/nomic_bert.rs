//! NomicBERT: rotary positions, gated units with SiLU, no biases. After Nussbaum et al., "Nomic Embed" (2024).
//!
//! Its `config.json` has two forms: the names of GPT-2 in the files of the authors, BERT's since transformers has the family.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::form::{Form, Matrix, Names, Rope};
use crate::Error;
use crate::cpu::Activation;
use crate::files::read_json;

const NAMES: Names = Names {
    norm: "emb_ln",
    layers: "encoder.layers",
    qkv: &["attn.Wqkv"],
    attention: "attn.out_proj",
    attention_norm: "norm1",
    // The activated matrix is the second one.
    up: Matrix::whole("mlp.fc12"),
    gate: Some(Matrix::whole("mlp.fc11")),
    down: "mlp.fc2",
    output_norm: "norm2",
    has_attention_bias: false,
    has_up_bias: false,
    has_down_bias: false,
};

#[derive(Deserialize)]
struct Config {
    vocab_size: usize,
    #[serde(default = "default_types")]
    type_vocab_size: usize,

    // The form of transformers.
    hidden_size: Option<usize>,
    num_hidden_layers: Option<usize>,
    num_attention_heads: Option<usize>,
    intermediate_size: Option<usize>,
    max_position_embeddings: Option<usize>,
    layer_norm_eps: Option<f64>,
    hidden_act: Option<String>,
    head_dim: Option<usize>,
    rope_parameters: Option<Rotary>,

    // The form of the authors' files.
    n_embd: Option<usize>,
    n_layer: Option<usize>,
    n_head: Option<usize>,
    n_inner: Option<usize>,
    n_positions: Option<usize>,
    layer_norm_epsilon: Option<f64>,
    activation_function: Option<String>,
    #[serde(default = "default_theta")]
    rotary_emb_base: f64,
    /// Beyond `max_trained_positions`, each length of a text would have angles of its own.
    rotary_scaling_factor: Option<f64>,
    #[serde(default = "default_trained")]
    max_trained_positions: usize,

    /// What these say has to be as in the networks that are known.
    #[serde(flatten)]
    others: std::collections::BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Rotary {
    rope_type: Option<String>,
    rope_theta: Option<f64>,
}

fn default_types() -> usize {
    2
}

fn default_theta() -> f64 {
    10_000.0
}

fn default_trained() -> usize {
    2048
}

/// Settings of networks that this code does not run, with the value that says that they are not meant.
const OFF: [&str; 9] = [
    "causal",
    "mlp_fc1_bias",
    "mlp_fc2_bias",
    "moe_every_n_layers",
    "parallel_block",
    "prenorm",
    "qkv_proj_bias",
    "rotary_emb_interleaved",
    "use_rms_norm",
];

/// Reads and checks a `config.json`.
pub(in crate::transformer) fn read(path: &Path) -> Result<Form, Error> {
    let config: Config = read_json(path)?;
    let form = config.form(path)?;
    form.check(path)?;
    Ok(form)
}

impl Config {
    fn form(&self, path: &Path) -> Result<Form, Error> {
        let unsupported = |expected: String, got: String| {
            Err(Error::UnsupportedModel { path: path.to_owned(), expected, got })
        };
        let size = |new: (&str, Option<usize>), old: (&str, Option<usize>)| {
            new.1.or(old.1).ok_or_else(|| {
                Error::invalid_file(path, format!("{} or {}", new.0, old.0), "neither".to_owned())
            })
        };
        for key in OFF {
            let value = self.others.get(key).unwrap_or(&Value::Null);
            if !(value.is_null() || value == false || value.as_f64() == Some(0.0)) {
                return unsupported(format!("{key} false"), value.to_string());
            }
        }
        // Biases are on where the authors' form says nothing of them.
        let is_authors = self.hidden_size.is_none();
        for key in ["mlp_fc1_bias", "mlp_fc2_bias", "qkv_proj_bias"] {
            if is_authors && !self.others.contains_key(key) {
                return unsupported(format!("{key} false"), "none".into());
            }
        }
        let fraction = self.others.get("rotary_emb_fraction").and_then(Value::as_f64);
        if is_authors && fraction != Some(1.0) {
            return unsupported("rotary_emb_fraction 1".into(), format!("{fraction:?}"));
        }
        if let Some(base) = self.others.get("rotary_emb_scale_base").filter(|base| !base.is_null()) {
            return unsupported("no rotary_emb_scale_base".into(), base.to_string());
        }
        let activation = self.hidden_act.as_deref().or(self.activation_function.as_deref());
        let activation = match activation.unwrap_or(if is_authors { "gelu_new" } else { "silu" }) {
            "silu" | "swiglu" => Activation::Silu,
            "geglu" if is_authors => Activation::Gelu,
            "gelu" if !is_authors => Activation::Gelu,
            other => {
                return unsupported("a gated unit with silu or gelu".into(), other.to_owned());
            }
        };
        let rope = self.rope_parameters.as_ref();
        if let Some(kind) = rope.and_then(|rope| rope.rope_type.as_deref()).filter(|&kind| kind != "default")
        {
            return unsupported("rotary positions of the default type".into(), kind.to_owned());
        }
        let theta = match rope {
            Some(rope) => rope.rope_theta.unwrap_or(1_000.0),
            None if is_authors => self.rotary_emb_base,
            None => 1_000.0,
        };
        let hidden_size = size(("hidden_size", self.hidden_size), ("n_embd", self.n_embd))?;
        let heads = size(("num_attention_heads", self.num_attention_heads), ("n_head", self.n_head))?;
        if let Some(head) = self.head_dim
            && head.checked_mul(heads) != Some(hidden_size)
        {
            return unsupported(
                format!("a head_dim whose {heads} heads are {hidden_size}"),
                head.to_string(),
            );
        }
        let positions = size(
            ("max_position_embeddings", self.max_position_embeddings),
            ("n_positions", self.n_positions),
        )?;
        Ok(Form {
            family: "nomic_bert",
            hidden_size,
            layers: size(("num_hidden_layers", self.num_hidden_layers), ("n_layer", self.n_layer))?,
            heads,
            inner_size: size(("intermediate_size", self.intermediate_size), ("n_inner", self.n_inner))?,
            vocabulary: self.vocab_size,
            positions: match self.rotary_scaling_factor {
                Some(_) => positions.min(self.max_trained_positions),
                None => positions,
            },
            epsilon: self.layer_norm_eps.or(self.layer_norm_epsilon).unwrap_or(1e-12),
            activation,
            learned: None,
            rotary: Some(Rope { theta, factor: 1.0 }),
            distance: None,
            names: &NAMES,
            has_types: self.type_vocab_size > 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nomic-embed-text-v1.5 has it.
    const AUTHORS: &str = r#"{"model_type": "nomic_bert", "vocab_size": 300, "type_vocab_size": 2, "n_embd": 32, "n_layer": 2,
        "n_head": 2, "n_inner": 40, "n_positions": 8192, "layer_norm_epsilon": 1e-12, "activation_function": "swiglu",
        "rotary_emb_base": 1000, "rotary_emb_fraction": 1.0, "rotary_emb_scale_base": null, "rotary_emb_interleaved": false,
        "rotary_scaling_factor": null, "max_trained_positions": 2048, "qkv_proj_bias": false, "mlp_fc1_bias": false,
        "mlp_fc2_bias": false, "prenorm": false, "causal": false, "use_rms_norm": false, "parallel_block": false}"#;

    const TRANSFORMERS: &str = r#"{"model_type": "nomic_bert", "vocab_size": 300, "type_vocab_size": 2, "hidden_size": 32,
        "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 40, "max_position_embeddings": 8192,
        "layer_norm_eps": 1e-12, "hidden_act": "silu", "head_dim": 16,
        "rope_parameters": {"rope_theta": 1000.0, "rope_type": "default"}}"#;

    fn form(text: &str) -> Result<Form, Error> {
        let config: Config = serde_json::from_str(text).unwrap();
        let path = Path::new("config.json");
        let form = config.form(path)?;
        form.check(path).map(|()| form)
    }

    #[test]
    fn both_forms_of_the_file_are_one_network() {
        let (old, new) = (form(AUTHORS).unwrap(), form(TRANSFORMERS).unwrap());
        assert_eq!((old.describe(), old.positions), (new.describe(), new.positions));
        // Stored in databases: a change of its text would separate every existing file from its model.
        assert_eq!(
            old.describe(),
            "hidden_size=32; num_hidden_layers=2; num_attention_heads=2; intermediate_size=40; vocab_size=300; \
             layer_norm_eps=1e-12; activation=silu; types=true; theta=1e3; factor=1e0"
        );
        for (from, to) in [
            ("\"n_head\": 2", "\"n_head\": 4"),
            ("swiglu", "geglu"),
            ("1000", "10000"),
            ("\"type_vocab_size\": 2", "\"type_vocab_size\": 0"),
            ("1e-12", "1e-5"),
        ] {
            assert_ne!(form(&AUTHORS.replacen(from, to, 1)).unwrap().describe(), old.describe(), "{to}");
        }
        // Scaled positions are not the same in texts of all lengths.
        let scaled = AUTHORS.replace("\"rotary_scaling_factor\": null", "\"rotary_scaling_factor\": 2");
        assert_eq!(form(&scaled).unwrap().positions, 2048);
    }

    #[test]
    fn what_cannot_be_run_is_refused() {
        for (from, to, expected) in [
            ("\"n_embd\": 32, ", "", "expected hidden_size or n_embd, got neither"),
            ("\"n_embd\": 32", "\"n_embd\": 30", "an even multiple"),
            ("\"n_positions\": 8192", "\"n_positions\": 0", "sizes above 0"),
            ("\"qkv_proj_bias\": false, ", "", "qkv_proj_bias false, got none"),
            ("\"prenorm\": false", "\"prenorm\": true", "prenorm false, got true"),
            ("\"causal\": false", "\"moe_every_n_layers\": 2", "moe_every_n_layers false, got 2"),
            ("\"rotary_emb_fraction\": 1.0", "\"rotary_emb_fraction\": 0.5", "rotary_emb_fraction 1"),
            ("\"rotary_emb_scale_base\": null", "\"rotary_emb_scale_base\": 512", "no rotary_emb_scale_base"),
            ("swiglu", "gelu", "a gated unit with silu or gelu, got gelu"),
        ] {
            assert!(AUTHORS.contains(from));
            let message = form(&AUTHORS.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        let yarn = TRANSFORMERS.replace("default", "yarn");
        assert!(form(&yarn).unwrap_err().to_string().contains("of the default type, got yarn"));
        let head = TRANSFORMERS.replace("\"head_dim\": 16", "\"head_dim\": 8");
        assert!(form(&head).unwrap_err().to_string().contains("a head_dim whose 2 heads are 32, got 8"));
    }
}
