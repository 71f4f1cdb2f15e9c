//! BERT, and its descendants that differ in positions and tokenizers only: RoBERTa, XLM-RoBERTa, CamemBERT.

use std::path::Path;

use serde::Deserialize;

use super::form::{Form, Learned, Matrix, Names, activation_of};
use crate::Error;
use crate::cpu::Activation;
use crate::tensors::MAX_DIMENSIONS;

const NAMES: Names = Names {
    norm: "embeddings.LayerNorm",
    layers: "encoder.layer",
    qkv: &["attention.self.query", "attention.self.key", "attention.self.value"],
    attention: "attention.output.dense",
    attention_norm: "attention.output.LayerNorm",
    up: Matrix::whole("intermediate.dense"),
    gate: None,
    down: "output.dense",
    output_norm: "output.LayerNorm",
    has_attention_bias: true,
    has_up_bias: true,
    has_down_bias: true,
};

/// Shape of a BERT or RoBERTa network, from `config.json`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Config {
    pub(crate) model_type: String,
    pub(crate) hidden_size: usize,
    pub(crate) num_hidden_layers: usize,
    pub(crate) num_attention_heads: usize,
    pub(crate) intermediate_size: usize,
    pub(crate) max_position_embeddings: usize,
    pub(crate) vocab_size: usize,
    #[serde(default = "default_epsilon")]
    pub(crate) layer_norm_eps: f64,
    #[serde(default = "default_activation")]
    pub(crate) hidden_act: String,
    #[serde(default)]
    pub(crate) pad_token_id: usize,
    #[serde(default = "default_positions")]
    position_embedding_type: String,
}

fn default_epsilon() -> f64 {
    1e-12
}

fn default_activation() -> String {
    "gelu".into()
}

fn default_positions() -> String {
    "absolute".into()
}

impl Config {
    /// The position of the first token; XLM-RoBERTa counts from the one after the padding's.
    pub(crate) fn first_position(&self) -> usize {
        // Called before the settings are checked, too.
        if self.model_type == "bert" { 0 } else { self.pad_token_id.saturating_add(1) }
    }

    /// The padding's token, where positions depend on it.
    pub(crate) fn counted_padding(&self) -> Option<usize> {
        (self.model_type != "bert").then_some(self.pad_token_id)
    }

    pub(in crate::transformer) fn form(&self) -> Form {
        Form {
            family: "bert",
            hidden_size: self.hidden_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            inner_size: self.intermediate_size,
            vocabulary: self.vocab_size,
            positions: self.positions(),
            epsilon: self.layer_norm_eps,
            activation: activation_of(&self.hidden_act).unwrap_or(Activation::Gelu),
            learned: Some(Learned { rows: self.max_position_embeddings, padding: self.counted_padding() }),
            rotary: None,
            distance: None,
            names: &NAMES,
            has_types: true,
        }
    }

    /// The longest input that the network has positions for.
    pub(crate) fn positions(&self) -> usize {
        self.max_position_embeddings.saturating_sub(self.first_position())
    }

    pub(crate) fn check(&self, path: &Path) -> Result<(), Error> {
        let bad = |expected: &str, got: String| Err(Error::invalid_file(path, expected, got));
        let unsupported = |expected: &str, got: &str| {
            Err(Error::UnsupportedModel { path: path.to_owned(), expected: expected.into(), got: got.into() })
        };
        if self.pad_token_id >= self.vocab_size {
            let expected = format!("a pad_token_id below the vocab_size of {}", self.vocab_size);
            return bad(&expected, self.pad_token_id.to_string());
        }
        let sizes = [
            self.hidden_size,
            self.num_hidden_layers,
            self.num_attention_heads,
            self.intermediate_size,
            self.vocab_size,
            self.positions(),
        ];
        if sizes.contains(&0) {
            return bad("sizes above 0", format!("{sizes:?}"));
        }
        if self.hidden_size > MAX_DIMENSIONS {
            return bad(&format!("a hidden_size of at most {MAX_DIMENSIONS}"), self.hidden_size.to_string());
        }
        if !(0.0..=1.0).contains(&self.layer_norm_eps) {
            return bad("a layer_norm_eps from 0 to 1", self.layer_norm_eps.to_string());
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            let got = format!("{} and {}", self.hidden_size, self.num_attention_heads);
            return bad("hidden_size a multiple of num_attention_heads", got);
        }
        if !matches!(&*self.hidden_act, "gelu" | "relu") {
            return unsupported("hidden_act gelu or relu", &self.hidden_act);
        }
        if self.position_embedding_type != "absolute" {
            return unsupported("position_embedding_type absolute", &self.position_embedding_type);
        }
        Ok(())
    }

    /// All that changes vectors, as the fingerprint has it: another number of heads or another activation fits the same
    /// matrices. Stored fingerprints depend on each character. Values are named rather than the file hashed, because a key
    /// that repeats its default, or is formatted differently, changes no vector.
    pub(crate) fn describe(&self) -> String {
        let Self { hidden_size, num_hidden_layers, num_attention_heads, intermediate_size, .. } = self;
        let Self { max_position_embeddings, vocab_size, layer_norm_eps, pad_token_id, .. } = self;
        format!(
            "hidden_size={hidden_size}; num_hidden_layers={num_hidden_layers}; \
             num_attention_heads={num_attention_heads}; intermediate_size={intermediate_size}; \
             max_position_embeddings={max_position_embeddings}; vocab_size={vocab_size}; \
             layer_norm_eps={layer_norm_eps:e}; hidden_act={}; pad_token_id={pad_token_id}",
            self.hidden_act
        )
    }
}
