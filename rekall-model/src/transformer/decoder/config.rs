//! The shape of a Qwen3 or Gemma 3 network.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::Error;
use crate::cpu::Activation;
use crate::files::read_json;
use crate::tensors::MAX_DIMENSIONS;
use crate::transformer::post_norm::MAX_POSITIONS;

/// Most rows of a matrix. Known models have up to 25,600.
const MAX_ROWS: usize = 1 << 24;

/// Shape of a network, from `config.json`.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The first part of a fingerprint.
    pub(crate) family: &'static str,
    pub(crate) hidden_size: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    /// Heads of keys and values, each for as many heads of queries.
    pub(crate) key_heads: usize,
    pub(crate) head_size: usize,
    pub(crate) inner_size: usize,
    pub(crate) vocabulary: usize,
    pub(crate) positions: usize,
    pub(crate) epsilon: f64,
    pub(crate) activation: Activation,
    pub(crate) attention_bias: bool,
    /// Whether a token sees only those before it.
    pub(crate) is_causal: bool,
    /// Scores are divided by its root.
    pub(crate) query_scalar: f64,
    /// Of each layer, whether it sees only what is near.
    pub(crate) is_local: Vec<bool>,
    /// How many tokens to a side a local layer's token sees.
    pub(crate) reach: usize,
    /// The bases of the rotary positions' wavelengths, in layers that see all, and in local ones.
    pub(crate) theta: f64,
    pub(crate) local_theta: f64,
    /// What is Gemma's: norms also after each part, scales that are one more than the file's, token vectors times the root of
    /// their length.
    pub(crate) is_gemma: bool,
}

#[derive(Deserialize)]
struct File {
    model_type: String,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    intermediate_size: usize,
    vocab_size: usize,
    max_position_embeddings: usize,
    #[serde(default = "default_epsilon")]
    rms_norm_eps: f64,
    hidden_act: Option<String>,
    hidden_activation: Option<String>,
    #[serde(default)]
    attention_bias: bool,
    use_bidirectional_attention: Option<bool>,
    query_pre_attn_scalar: Option<f64>,
    attn_logit_softcapping: Option<f64>,
    #[serde(default)]
    use_sliding_window: bool,
    sliding_window: Option<usize>,
    sliding_window_pattern: Option<usize>,
    _sliding_window_pattern: Option<usize>,
    layer_types: Option<Vec<String>>,
    rope_theta: Option<f64>,
    rope_local_base_freq: Option<f64>,
    #[serde(default)]
    rope_parameters: Value,
    #[serde(default)]
    rope_scaling: Value,
}

fn default_epsilon() -> f64 {
    1e-6
}

const GLOBAL: &str = "full_attention";
const LOCAL: &str = "sliding_attention";

impl Config {
    /// Reads and checks a `config.json`.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let file: File = read_json(path)?;
        let config = file.config(path)?;
        config.check(path)?;
        Ok(config)
    }

    fn check(&self, path: &Path) -> Result<(), Error> {
        let bad = |expected: &str, got: String| Err(Error::invalid_file(path, expected, got));
        let sizes = [
            self.hidden_size,
            self.layers,
            self.heads,
            self.key_heads,
            self.head_size,
            self.inner_size,
            self.vocabulary,
            self.positions,
        ];
        if sizes.contains(&0) {
            return bad("sizes above 0", format!("{sizes:?}"));
        }
        if self.hidden_size > MAX_DIMENSIONS {
            return bad(&format!("a hidden_size of at most {MAX_DIMENSIONS}"), self.hidden_size.to_string());
        }
        let rows = self.heads.saturating_mul(self.head_size).max(self.inner_size);
        if rows > MAX_ROWS {
            return bad(&format!("matrices of at most {MAX_ROWS} rows"), rows.to_string());
        }
        if self.positions > MAX_POSITIONS {
            return bad(
                &format!("a max_position_embeddings of at most {MAX_POSITIONS}"),
                self.positions.to_string(),
            );
        }
        if !self.heads.is_multiple_of(self.key_heads) || !self.head_size.is_multiple_of(2) {
            let expected = "num_attention_heads a multiple of num_key_value_heads, and an even head_dim";
            return bad(expected, format!("{}, {} and {}", self.heads, self.key_heads, self.head_size));
        }
        if !(0.0..=1.0).contains(&self.epsilon) {
            return bad("a rms_norm_eps from 0 to 1", self.epsilon.to_string());
        }
        if !(1e-6..=1e12).contains(&self.query_scalar) {
            return bad("a query_pre_attn_scalar from 1e-6 to 1e12", self.query_scalar.to_string());
        }
        for theta in [self.theta, self.local_theta] {
            if !(1.0..=1e12).contains(&theta) {
                return bad("a theta of the rotary positions from 1 to 1e12", theta.to_string());
            }
        }
        Ok(())
    }

    /// All that changes vectors, as the fingerprint has it. Stored fingerprints depend on each character. Values are named
    /// rather than the file hashed, because several forms of the file are the same network.
    pub(crate) fn describe(&self) -> String {
        let Self { hidden_size, heads, key_heads, head_size, inner_size, vocabulary, epsilon, .. } = self;
        let layers: String = self.is_local.iter().map(|is_local| if *is_local { 'l' } else { 'g' }).collect();
        let activation = if self.activation == Activation::Silu { "silu" } else { "gelu_tanh" };
        format!(
            "hidden_size={hidden_size}; num_attention_heads={heads}; num_key_value_heads={key_heads}; \
             head_dim={head_size}; intermediate_size={inner_size}; vocab_size={vocabulary}; rms_norm_eps={epsilon:e}; \
             attention_bias={}; activation={activation}; causal={}; scalar={:e}; layers={layers}; reach={}; \
             thetas={:e},{:e}",
            self.attention_bias, self.is_causal, self.query_scalar, self.reach, self.theta, self.local_theta,
        )
    }
}

impl File {
    fn config(self, path: &Path) -> Result<Config, Error> {
        let unsupported = |expected: &str, got: String| {
            Err(Error::UnsupportedModel { path: path.to_owned(), expected: expected.into(), got })
        };
        let is_gemma = self.model_type == "gemma3_text";
        let named = self.hidden_activation.or(self.hidden_act);
        let (activation, default) = match is_gemma {
            true => (Activation::GeluTanh, "gelu_pytorch_tanh"),
            false => (Activation::Silu, "silu"),
        };
        if let Some(other) = named.filter(|name| name != default) {
            return unsupported(&format!("the activation {default}"), other);
        }
        if let Some(cap) = self.attn_logit_softcapping {
            return unsupported("no attn_logit_softcapping", cap.to_string());
        }
        if !is_gemma && self.use_sliding_window {
            return unsupported("use_sliding_window false", "true".into());
        }
        let parameters = &self.rope_parameters;
        for (name, value) in [("rope_parameters", parameters), ("rope_scaling", &self.rope_scaling)] {
            let inner = [value, &value[GLOBAL], &value[LOCAL]];
            let kinds = inner.iter().flat_map(|value| [&value["rope_type"], &value["type"]]);
            if let Some(kind) = kinds.filter_map(Value::as_str).find(|kind| *kind != "default") {
                return unsupported(&format!("{name} of the default type"), kind.to_owned());
            }
        }
        let is_causal = !self.use_bidirectional_attention.unwrap_or(false);
        let interval = self.sliding_window_pattern.or(self._sliding_window_pattern).unwrap_or(6);
        if interval == 0 || self.num_hidden_layers > 1 << 16 {
            let got = format!("{interval} and {}", self.num_hidden_layers);
            return Err(Error::invalid_file(path, "a sliding_window_pattern above 0, and fewer layers", got));
        }
        let is_local = match &self.layer_types {
            Some(kinds) => {
                let is_known = kinds.iter().all(|kind| kind == GLOBAL || (is_gemma && kind == LOCAL));
                if kinds.len() != self.num_hidden_layers || !is_known {
                    let local = if is_gemma { format!(" or {LOCAL}") } else { String::new() };
                    let expected =
                        format!("layer_types with {} times {GLOBAL}{local}", self.num_hidden_layers);
                    return Err(Error::invalid_file(path, expected, format!("{kinds:?}")));
                }
                kinds.iter().map(|kind| kind == LOCAL).collect()
            }
            None if is_gemma => {
                (1..=self.num_hidden_layers).map(|number| !number.is_multiple_of(interval)).collect()
            }
            None => vec![false; self.num_hidden_layers],
        };
        // The window of a token that sees both sides is divided between them; else the token itself is one of it.
        let window = self.sliding_window.unwrap_or(4096);
        let reach = if is_causal { window.saturating_sub(1) } else { window / 2 };
        let theta_of = |kind: &str| parameters[kind]["rope_theta"].as_f64();
        let (theta, local_theta) = if is_gemma {
            let theta = theta_of(GLOBAL).or(self.rope_theta).unwrap_or(1_000_000.0);
            (theta, theta_of(LOCAL).or(self.rope_local_base_freq).unwrap_or(10_000.0))
        } else {
            let theta = parameters["rope_theta"].as_f64().or(self.rope_theta).unwrap_or(10_000.0);
            (theta, theta)
        };
        let head_size = self.head_dim.unwrap_or(if is_gemma { 256 } else { 128 });
        Ok(Config {
            family: if is_gemma { "gemma3_text" } else { "qwen3" },
            hidden_size: self.hidden_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            key_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            head_size,
            inner_size: self.intermediate_size,
            vocabulary: self.vocab_size,
            positions: self.max_position_embeddings,
            epsilon: self.rms_norm_eps,
            activation,
            attention_bias: self.attention_bias,
            is_causal,
            query_scalar: match self.query_pre_attn_scalar {
                Some(scalar) if is_gemma => scalar,
                _ if is_gemma => 256.0,
                _ => head_size as f64,
            },
            reach: if is_local.contains(&true) { reach } else { 0 },
            is_local,
            theta,
            local_theta,
            is_gemma,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Qwen3-Embedding-0.6B has it.
    const QWEN: &str = r#"{"model_type": "qwen3", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "head_dim": 12, "intermediate_size": 40, "vocab_size": 300,
        "max_position_embeddings": 32768, "rms_norm_eps": 1e-06, "rope_theta": 1000000, "rope_scaling": null,
        "hidden_act": "silu", "use_sliding_window": false, "sliding_window": null, "max_window_layers": 28}"#;

    /// As EmbeddingGemma has it.
    const GEMMA: &str = r#"{"model_type": "gemma3_text", "hidden_size": 32, "num_hidden_layers": 7,
        "num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 16, "query_pre_attn_scalar": 16,
        "intermediate_size": 40, "vocab_size": 300, "max_position_embeddings": 2048, "sliding_window": 512,
        "use_bidirectional_attention": true, "hidden_activation": "gelu_pytorch_tanh", "rope_theta": 1000000.0,
        "rope_local_base_freq": 10000.0, "_sliding_window_pattern": 6, "attn_logit_softcapping": null}"#;

    fn config(text: &str) -> Result<Config, Error> {
        let path = Path::new("config.json");
        let file: File = serde_json::from_str(text).unwrap();
        let config = file.config(path)?;
        config.check(path).map(|()| config)
    }

    #[test]
    fn all_that_changes_vectors_is_described() {
        // Stored in databases: a change of their texts would separate every existing file from its model.
        let qwen = config(QWEN).unwrap().describe();
        assert_eq!(
            qwen,
            "hidden_size=32; num_attention_heads=4; num_key_value_heads=2; head_dim=12; intermediate_size=40; \
             vocab_size=300; rms_norm_eps=1e-6; attention_bias=false; activation=silu; causal=true; scalar=1.2e1; \
             layers=gg; reach=0; thetas=1e6,1e6"
        );
        let gemma = config(GEMMA).unwrap().describe();
        assert_eq!(
            gemma,
            "hidden_size=32; num_attention_heads=3; num_key_value_heads=1; head_dim=16; intermediate_size=40; \
             vocab_size=300; rms_norm_eps=1e-6; attention_bias=false; activation=gelu_tanh; causal=false; \
             scalar=1.6e1; layers=lllllgl; reach=256; thetas=1e6,1e4"
        );
        // As transformers 5 writes it.
        let new = QWEN.replace(
            "\"rope_theta\": 1000000",
            r#""rope_parameters": {"rope_theta": 1000000.0, "rope_type": "default"},
                "layer_types": ["full_attention", "full_attention"]"#,
        );
        assert_eq!(config(&new).unwrap().describe(), qwen);
        let new = GEMMA.replace("\"rope_theta\": 1000000.0", "\"x\": 0").replace(
            "\"rope_local_base_freq\": 10000.0",
            r#""rope_parameters": {"full_attention": {"rope_theta": 1e6}, "sliding_attention": {"rope_theta": 1e4}}"#,
        );
        assert_eq!(config(&new).unwrap().describe(), gemma);
        for (from, to) in [
            ("\"num_key_value_heads\": 1", "\"num_key_value_heads\": 3"),
            ("\"query_pre_attn_scalar\": 16", "\"query_pre_attn_scalar\": 24"),
            ("512", "64"),
            ("true", "false"),
            ("pattern\": 6", "pattern\": 3"),
            ("10000.0", "20000.0"),
        ] {
            assert_ne!(config(&GEMMA.replacen(from, to, 1)).unwrap().describe(), gemma, "{to}");
        }
        // A token that sees one side only is one of its window.
        assert_eq!(config(&GEMMA.replace("true", "false")).unwrap().reach, 511);
    }

    #[test]
    fn what_cannot_be_run_is_refused() {
        for (from, to, expected) in [
            ("silu", "gelu", "the activation silu, got gelu"),
            ("\"use_sliding_window\": false", "\"use_sliding_window\": true", "use_sliding_window false"),
            (
                "\"rope_scaling\": null",
                "\"rope_scaling\": {\"type\": \"yarn\"}",
                "rope_scaling of the default type",
            ),
            ("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3", "a multiple of num_key_value_heads"),
            ("\"head_dim\": 12", "\"head_dim\": 11", "an even head_dim, got 4, 2 and 11"),
            ("\"head_dim\": 12", "\"head_dim\": 0", "sizes above 0"),
            ("\"intermediate_size\": 40", "\"intermediate_size\": 1000000000", "matrices of at most"),
            ("32768", "100000000", "a max_position_embeddings of at most"),
            ("1e-06", "2.0", "a rms_norm_eps"),
            ("1000000,", "0.5,", "a theta"),
            (
                "{",
                "{\"layer_types\": [\"sliding_attention\", \"full_attention\"],",
                "2 times full_attention, got",
            ),
            ("{", "{\"attn_logit_softcapping\": 50.0,", "no attn_logit_softcapping"),
        ] {
            assert!(QWEN.contains(from), "{from}");
            let message = config(&QWEN.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
