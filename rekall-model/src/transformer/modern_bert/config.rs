//! The shape of a ModernBERT network.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::Error;
use crate::tensors::MAX_DIMENSIONS;
use crate::transformer::post_norm::MAX_POSITIONS;

/// Shape of a ModernBERT network, from `config.json`, in its first form and in that of transformers 5.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Config {
    pub(crate) hidden_size: usize,
    pub(crate) num_hidden_layers: usize,
    pub(crate) num_attention_heads: usize,
    pub(crate) intermediate_size: usize,
    pub(crate) max_position_embeddings: usize,
    pub(crate) vocab_size: usize,
    #[serde(default = "default_epsilon")]
    pub(crate) norm_eps: f64,
    #[serde(default)]
    pub(crate) norm_bias: bool,
    #[serde(default)]
    pub(crate) attention_bias: bool,
    #[serde(default)]
    pub(crate) mlp_bias: bool,
    #[serde(default = "default_activation")]
    pub(crate) hidden_activation: String,
    /// How many tokens a local layer's window has, half of them to either side.
    #[serde(default = "default_window")]
    local_attention: usize,
    #[serde(default)]
    layer_types: Option<Vec<String>>,
    #[serde(default = "default_interval")]
    global_attn_every_n_layers: usize,
    #[serde(default)]
    rope_parameters: Option<BTreeMap<String, Option<Rope>>>,
    #[serde(default)]
    rope_scaling: Value,
    #[serde(default)]
    global_rope_theta: Option<f64>,
    #[serde(default)]
    local_rope_theta: Option<f64>,
}

#[derive(Debug, Clone, Deserialize)]
struct Rope {
    #[serde(default)]
    rope_type: Option<String>,
    #[serde(default)]
    rope_theta: Option<f64>,
}

const GLOBAL: &str = "full_attention";
const LOCAL: &str = "sliding_attention";

fn default_epsilon() -> f64 {
    1e-5
}

fn default_activation() -> String {
    "gelu".into()
}

fn default_window() -> usize {
    128
}

fn default_interval() -> usize {
    3
}

impl Config {
    /// Whether a layer's tokens see the whole text.
    pub(crate) fn is_global(&self, layer: usize) -> bool {
        match &self.layer_types {
            Some(kinds) => kinds.get(layer).is_some_and(|kind| kind == GLOBAL),
            None => layer.is_multiple_of(self.global_attn_every_n_layers),
        }
    }

    /// How many tokens to either side a local layer's token sees.
    pub(crate) fn reach(&self) -> usize {
        self.local_attention / 2
    }

    /// The base of the rotary positions' wavelengths.
    pub(crate) fn theta(&self, is_global: bool) -> f64 {
        let kind = if is_global { GLOBAL } else { LOCAL };
        let rope = self.rope_parameters.as_ref().and_then(|parameters| parameters.get(kind)?.as_ref());
        let global = self.global_rope_theta;
        let (named, default) = match is_global {
            true => (global, 160_000.0),
            false => (self.local_rope_theta.or(global), 10_000.0),
        };
        rope.and_then(|rope| rope.rope_theta).or(named).unwrap_or(default)
    }

    /// Numbers of one head.
    pub(crate) fn head_size(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }

    pub(crate) fn check(&self, path: &Path) -> Result<(), Error> {
        let bad = |expected: &str, got: String| Err(Error::invalid_file(path, expected, got));
        let unsupported = |expected: &str, got: String| {
            Err(Error::UnsupportedModel { path: path.to_owned(), expected: expected.into(), got })
        };
        let sizes = [
            self.hidden_size,
            self.num_hidden_layers,
            self.num_attention_heads,
            self.intermediate_size,
            self.vocab_size,
            self.max_position_embeddings,
            self.global_attn_every_n_layers,
        ];
        if sizes.contains(&0) {
            return bad("sizes above 0", format!("{sizes:?}"));
        }
        if self.hidden_size > MAX_DIMENSIONS {
            return bad(&format!("a hidden_size of at most {MAX_DIMENSIONS}"), self.hidden_size.to_string());
        }
        if self.max_position_embeddings > MAX_POSITIONS {
            let expected = format!("a max_position_embeddings of at most {MAX_POSITIONS}");
            return bad(&expected, self.max_position_embeddings.to_string());
        }
        if !self.hidden_size.is_multiple_of(2 * self.num_attention_heads) {
            let got = format!("{} and {}", self.hidden_size, self.num_attention_heads);
            return bad("hidden_size an even multiple of num_attention_heads", got);
        }
        if !(0.0..=1.0).contains(&self.norm_eps) {
            return bad("a norm_eps from 0 to 1", self.norm_eps.to_string());
        }
        if !matches!(&*self.hidden_activation, "gelu" | "silu") {
            return unsupported("hidden_activation gelu or silu", self.hidden_activation.clone());
        }
        for theta in [self.theta(true), self.theta(false)] {
            if !(1.0..=1e12).contains(&theta) {
                return bad("a theta of the rotary positions from 1 to 1e12", theta.to_string());
            }
        }
        if let Some(kinds) = &self.layer_types
            && (kinds.len() != self.num_hidden_layers
                || !kinds.iter().all(|kind| kind == GLOBAL || kind == LOCAL))
        {
            let expected = format!("layer_types with {} times {GLOBAL} or {LOCAL}", self.num_hidden_layers);
            return bad(&expected, format!("{kinds:?}"));
        }
        let scaled = |rope: &&Rope| rope.rope_type.as_deref().is_some_and(|kind| kind != "default");
        let ropes = self.rope_parameters.iter().flat_map(BTreeMap::values).flatten();
        if let Some(rope) = ropes.clone().find(scaled) {
            return unsupported("rotary positions of the default type", format!("{:?}", rope.rope_type));
        }
        if !self.rope_scaling.is_null() {
            return unsupported("rotary positions without rope_scaling", self.rope_scaling.to_string());
        }
        Ok(())
    }

    /// All that changes vectors, as the fingerprint has it. Stored fingerprints depend on each character. Values are named
    /// rather than the file hashed, because both forms of the file are the same network.
    pub(crate) fn describe(&self) -> String {
        let Self { hidden_size, num_hidden_layers, num_attention_heads, intermediate_size, .. } = self;
        let Self { vocab_size, norm_eps, norm_bias, attention_bias, mlp_bias, .. } = self;
        let layers: String =
            (0..*num_hidden_layers).map(|layer| if self.is_global(layer) { 'g' } else { 'l' }).collect();
        format!(
            "hidden_size={hidden_size}; num_attention_heads={num_attention_heads}; \
             intermediate_size={intermediate_size}; vocab_size={vocab_size}; norm_eps={norm_eps:e}; \
             biases={norm_bias},{attention_bias},{mlp_bias}; hidden_activation={}; layers={layers}; reach={}; \
             thetas={:e},{:e}",
            self.hidden_activation,
            self.reach(),
            self.theta(true),
            self.theta(false),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = r#"{"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2,
        "intermediate_size": 40, "max_position_embeddings": 256, "vocab_size": 300, "local_attention": 32,
        "global_attn_every_n_layers": 3, "global_rope_theta": 80000.0, "local_rope_theta": 10000.0}"#;

    fn parse(text: &str) -> Config {
        serde_json::from_str(text).unwrap()
    }

    /// What is said of the file in which `from` became `to`.
    fn refusal(from: &str, to: &str) -> String {
        assert!(OLD.contains(from));
        parse(&OLD.replacen(from, to, 1)).check(Path::new("config.json")).unwrap_err().to_string()
    }

    #[test]
    fn both_forms_of_the_file_are_one_network() {
        let old = parse(OLD);
        old.check(Path::new("config.json")).unwrap();
        let new = r#""layer_types": ["full_attention", "sliding_attention", "sliding_attention", "full_attention"],
            "rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 80000.0},
            "sliding_attention": {"rope_theta": 10000.0}}}"#;
        let (shared, _) = OLD.split_once("\"global_attn_every_n_layers\"").unwrap();
        let new = parse(&format!("{shared}{new}"));
        new.check(Path::new("config.json")).unwrap();
        assert_eq!(new.describe(), old.describe());
        // Stored in databases: a change of its text would separate every existing file from its model.
        assert_eq!(
            old.describe(),
            "hidden_size=32; num_attention_heads=2; intermediate_size=40; vocab_size=300; norm_eps=1e-5; \
             biases=false,false,false; hidden_activation=gelu; layers=gllg; reach=16; thetas=8e4,1e4"
        );
        for (from, to) in [
            ("\"num_attention_heads\": 2", "\"num_attention_heads\": 4"),
            ("{", "{\"hidden_activation\": \"silu\","),
            ("{", "{\"norm_eps\": 1e-6,"),
            ("\"local_attention\": 32", "\"local_attention\": 64"),
            ("80000.0", "160000.0"),
            ("10000.0", "20000.0"),
            ("layers\": 3", "layers\": 2"),
        ] {
            assert_ne!(parse(&OLD.replacen(from, to, 1)).describe(), old.describe(), "{to}");
        }
        // A local theta that is not given is the global one.
        assert_eq!(parse(&OLD.replace("10000.0", "null")).theta(false), 80_000.0);
        let (bare, _) = OLD.split_once(", \"local_attention\"").unwrap();
        let defaults = parse(&format!("{bare}}}"));
        assert_eq!(
            (defaults.theta(true), defaults.theta(false), defaults.reach()),
            (160_000.0, 10_000.0, 64)
        );
    }

    #[test]
    fn what_cannot_be_run_is_refused() {
        for (from, to, expected) in [
            ("\"num_hidden_layers\": 4", "\"num_hidden_layers\": 0", "sizes above 0"),
            ("layers\": 3", "layers\": 0", "sizes above 0"),
            ("\"num_attention_heads\": 2", "\"num_attention_heads\": 32", "an even multiple"),
            ("\"hidden_size\": 32", "\"hidden_size\": 1000000", "a hidden_size of at most"),
            ("256", "100000000", "a max_position_embeddings of at most"),
            ("80000.0", "0.0", "a theta"),
            ("{", "{\"hidden_activation\": \"relu\",", "hidden_activation gelu or silu"),
            ("{", "{\"norm_eps\": 2.0,", "a norm_eps"),
            ("{", "{\"layer_types\": [\"full_attention\"],", "layer_types with 4 times"),
            ("{", "{\"rope_scaling\": {\"type\": \"yarn\"},", "without rope_scaling"),
            (
                "{",
                "{\"rope_parameters\": {\"full_attention\": {\"rope_type\": \"yarn\"}},",
                "of the default type",
            ),
        ] {
            let message = refusal(from, to);
            assert!(message.contains(expected), "{message}");
        }
    }
}
