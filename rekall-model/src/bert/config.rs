//! The settings of a BERT or XLM-RoBERTa sentence model, from its files.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::files::{digest, read_json};
use crate::tensors::MAX_DIMENSIONS;
use crate::{Error, LoadOptions};

/// Shape of the network, from `config.json`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Config {
    pub(super) model_type: String,
    pub(super) hidden_size: usize,
    pub(super) num_hidden_layers: usize,
    pub(super) num_attention_heads: usize,
    pub(super) intermediate_size: usize,
    pub(super) max_position_embeddings: usize,
    pub(super) vocab_size: usize,
    #[serde(default = "default_epsilon")]
    pub(super) layer_norm_eps: f64,
    #[serde(default = "default_activation")]
    pub(super) hidden_act: String,
    #[serde(default)]
    pub(super) pad_token_id: usize,
    #[serde(default = "default_positions")]
    position_embedding_type: String,
    /// Lengths to which vectors may be shortened, if the model was trained for it.
    #[serde(default, alias = "matryoshka_dims")]
    matryoshka_dimensions: Vec<usize>,
    /// The name of the model, or of its base model, when the file was written.
    #[serde(default, rename = "_name_or_path")]
    origin: Option<String>,
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

/// How token vectors are pooled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pooling {
    Mean,
    Cls,
    Max,
}

impl Pooling {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Cls => "cls",
            Self::Max => "max",
        }
    }
}

/// A model's settings, from all its files and the options.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) config: Config,
    pub(super) pooling: Pooling,
    pub(super) query_prefix: String,
    pub(super) document_prefix: String,
    /// Most tokens of a text, with prefix and special tokens.
    pub(super) limit: usize,
    /// Length of the vectors returned.
    pub(super) dimensions: usize,
    /// Whether the text is converted to lower case before the tokenizer, as sentence-transformers does.
    pub(super) lower_case: bool,
    pub(super) weights: PathBuf,
    pub(super) tokenizer: PathBuf,
}

#[derive(Deserialize)]
struct Module {
    #[serde(default)]
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct PoolingFile {
    #[serde(default)]
    pooling_mode_cls_token: bool,
    #[serde(default)]
    pooling_mode_mean_tokens: bool,
    #[serde(default)]
    pooling_mode_max_tokens: bool,
    /// The mean times a constant of the text: the same after normalizing.
    #[serde(default)]
    pooling_mode_mean_sqrt_len_tokens: bool,
    #[serde(default)]
    pooling_mode_weightedmean_tokens: bool,
    #[serde(default)]
    pooling_mode_lasttoken: bool,
}

#[derive(Default, Deserialize)]
struct SentenceBert {
    max_seq_length: Option<usize>,
    #[serde(default)]
    do_lower_case: bool,
}

#[derive(Default, Deserialize)]
struct TokenizerConfig {
    /// 1e30 if the tokenizer has no limit.
    model_max_length: Option<f64>,
}

#[derive(Default, Deserialize)]
struct SentenceTransformers {
    prompts: Option<BTreeMap<String, String>>,
    #[serde(default)]
    default_prompt_name: Option<String>,
    #[serde(default, alias = "matryoshka_dims")]
    matryoshka_dimensions: Vec<usize>,
}

impl Settings {
    pub(super) fn read(folder: &Path, name: &str, options: &LoadOptions) -> Result<Self, Error> {
        let path = folder.join("config.json");
        let config: Config = read_json(&path)?;
        config.check(&path)?;
        let pooling = pooling(folder)?;
        let sentence: SentenceBert = optional(&folder.join("sentence_bert_config.json"))?.unwrap_or_default();
        let tokens: TokenizerConfig = optional(&folder.join("tokenizer_config.json"))?.unwrap_or_default();
        let prompts_path = folder.join("config_sentence_transformers.json");
        let prompts: SentenceTransformers = optional(&prompts_path)?.unwrap_or_default();
        check_declared(&prompts_path, &prompts.matryoshka_dimensions, config.hidden_size)?;
        let (query_prefix, document_prefix) = prefixes(&prompts, name, &config, options);

        let mut limit = config.positions();
        if let Some(length) = sentence.max_seq_length {
            limit = limit.min(length);
        } else if let Some(length) = tokens.model_max_length
            && length < limit as f64
        {
            limit = length as usize;
        }
        let full = config.hidden_size;
        let dimensions = options.dimensions.unwrap_or(full);
        let mut declared = config.matryoshka_dimensions.clone();
        declared.extend(&prompts.matryoshka_dimensions);
        if dimensions != full && !declared.contains(&dimensions) {
            let expected = if declared.is_empty() {
                format!("{full}, as the model declares no shorter ones")
            } else {
                format!("{full} or one the model declares, {declared:?}")
            };
            return Err(Error::InvalidInput { what: "dimensions", expected, got: dimensions.to_string() });
        }
        Ok(Self {
            name: name.to_owned(),
            config,
            pooling,
            query_prefix,
            document_prefix,
            limit,
            dimensions,
            lower_case: sentence.do_lower_case,
            weights: folder.join("model.safetensors"),
            tokenizer: folder.join("tokenizer.json"),
        })
    }

    /// The digest of all settings that change vectors and are in no other part of the fingerprint: another
    /// number of heads or another activation fits the same matrices.
    pub(super) fn digest(&self) -> String {
        let Config { hidden_size, num_hidden_layers, num_attention_heads, intermediate_size, .. } =
            self.config;
        let Config { max_position_embeddings, vocab_size, layer_norm_eps, pad_token_id, .. } = self.config;
        // Stored fingerprints depend on each character. Values are hashed rather than the file, because a key
        // that repeats its default, or is formatted differently, changes no vector.
        let text = format!(
            "hidden_size={hidden_size}; num_hidden_layers={num_hidden_layers}; \
             num_attention_heads={num_attention_heads}; intermediate_size={intermediate_size}; \
             max_position_embeddings={max_position_embeddings}; vocab_size={vocab_size}; \
             layer_norm_eps={layer_norm_eps:e}; hidden_act={}; pad_token_id={pad_token_id}; lower_case={}",
            self.config.hidden_act, self.lower_case
        );
        digest(text.as_bytes())
    }
}

impl Config {
    /// The position of the first token; XLM-RoBERTa counts from the one after the padding's.
    pub(super) fn first_position(&self) -> usize {
        // Called before the settings are checked, too.
        if self.model_type == "bert" { 0 } else { self.pad_token_id.saturating_add(1) }
    }

    /// The tokens of a text, each with its position. In XLM-RoBERTa the padding token has a position of its
    /// own, also if a text contains it, and the count continues after it as if it were not there.
    pub(super) fn with_positions<'a>(&self, text: &'a [u32]) -> impl Iterator<Item = (&'a u32, usize)> {
        let padding = (self.model_type != "bert").then_some(self.pad_token_id);
        let mut next = self.first_position();
        text.iter().map(move |id| match padding {
            Some(padding) if *id as usize == padding => (id, padding),
            _ => {
                next += 1;
                (id, next - 1)
            }
        })
    }

    /// The longest input that the network has positions for.
    fn positions(&self) -> usize {
        self.max_position_embeddings.saturating_sub(self.first_position())
    }

    fn check(&self, path: &Path) -> Result<(), Error> {
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
        check_declared(path, &self.matryoshka_dimensions, self.hidden_size)
    }
}

/// Checks the lengths to which a file declares that vectors may be shortened.
fn check_declared(path: &Path, declared: &[usize], full: usize) -> Result<(), Error> {
    match declared.iter().find(|&&length| length == 0 || length > full) {
        None => Ok(()),
        Some(wrong) => Err(Error::invalid_file(
            path,
            format!("declared dimensions from 1 to the hidden_size of {full}"),
            wrong.to_string(),
        )),
    }
}

/// Reads a file that may be missing.
fn optional<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    if path.exists() { read_json(path).map(Some) } else { Ok(None) }
}

/// From `modules.json` and the pooling module's own file; without them, the mean, as
/// sentence-transformers does for a bare transformer.
fn pooling(folder: &Path) -> Result<Pooling, Error> {
    let modules_path = folder.join("modules.json");
    let modules: Vec<Module> = optional(&modules_path)?.unwrap_or_default();
    let mut pooling_folder = "1_Pooling".to_owned();
    let mut promised = false;
    for module in &modules {
        match module.kind.rsplit('.').next() {
            Some("Transformer" | "Normalize") => {}
            Some("Pooling") => {
                if !Path::new(&module.path).components().all(|part| matches!(part, Component::Normal(_))) {
                    let expected = "a path inside the model's folder";
                    return Err(Error::invalid_file(&modules_path, expected, format!("{:?}", module.path)));
                }
                pooling_folder.clone_from(&module.path);
                promised = true;
            }
            _ => {
                return Err(Error::UnsupportedModel {
                    path: modules_path,
                    expected: "modules Transformer, Pooling and Normalize".into(),
                    got: module.kind.clone(),
                });
            }
        }
    }
    let path = folder.join(pooling_folder).join("config.json");
    let Some(file) = optional::<PoolingFile>(&path)? else {
        // The mean would be a guess, and vectors of the wrong pooling would not show as an error.
        if promised {
            return Err(Error::MissingFile { path, expected: "the pooling that modules.json names".into() });
        }
        return Ok(Pooling::Mean);
    };
    let mean = file.pooling_mode_mean_tokens || file.pooling_mode_mean_sqrt_len_tokens;
    let other = file.pooling_mode_weightedmean_tokens || file.pooling_mode_lasttoken;
    match (mean, file.pooling_mode_cls_token, file.pooling_mode_max_tokens, other) {
        (true, false, false, false) => Ok(Pooling::Mean),
        (false, true, false, false) => Ok(Pooling::Cls),
        (false, false, true, false) => Ok(Pooling::Max),
        (mean, cls, max, other) => Err(Error::UnsupportedModel {
            path,
            expected: "exactly one pooling mode of mean, cls and max".into(),
            got: format!("mean {mean}, cls {cls}, max {max}, others {other}"),
        }),
    }
}

/// The prefixes of queries and documents: from the options, else from the model's prompts, else those that
/// the family is known to need. The family follows from the model's name in `config.json`, which renaming the
/// folder does not change; else from the folder's or the repository's name. Prefixes are part of the
/// fingerprint: another prefix is another space.
fn prefixes(
    file: &SentenceTransformers,
    name: &str,
    config: &Config,
    options: &LoadOptions,
) -> (String, String) {
    let prompt = |names: &[&str]| names.iter().find_map(|name| file.prompts.as_ref()?.get(*name)).cloned();
    let default = file.default_prompt_name.as_deref().and_then(|name| prompt(&[name]));
    let mut query = prompt(&["query", "search_query"]).or_else(|| default.clone());
    let mut document = prompt(&["document", "passage", "corpus", "search_document"]).or(default);
    // E5 models are trained with these prefixes and document them in prose only; without them the vectors are
    // poor.
    let is_e5 = |name: &str| ["e5-small", "e5-base", "e5-large"].iter().any(|e5| name.contains(e5));
    // An empty list of prompts may mean a model fine-tuned from E5 without prefixes; then only its own name
    // counts.
    let origin = config.origin.as_deref().filter(|_| file.prompts.is_none());
    let names = [origin.unwrap_or_default(), name];
    if file.prompts.as_ref().is_none_or(BTreeMap::is_empty)
        && config.hidden_size <= 1024
        && names.into_iter().any(is_e5)
        && !names.into_iter().any(|name| name.contains("instruct"))
    {
        query = Some("query: ".into());
        document = Some("passage: ".into());
    }
    (
        options.query_prefix.clone().or(query).unwrap_or_default(),
        options.document_prefix.clone().or(document).unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const XLM_ROBERTA: &str = r#"{"model_type": "xlm-roberta", "hidden_size": 48, "num_hidden_layers": 2,
        "num_attention_heads": 3, "intermediate_size": 72, "max_position_embeddings": 66, "vocab_size": 96,
        "pad_token_id": 1}"#;

    /// The settings from the given files.
    fn read(files: &[(&str, &str)]) -> Result<Settings, Error> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Settings::read(folder.path(), "model", &LoadOptions::default())
    }

    /// The refusal of a `config.json` in which `from` became `to`.
    fn refusal(from: &str, to: &str) -> String {
        assert!(XLM_ROBERTA.contains(from));
        read(&[("config.json", &XLM_ROBERTA.replace(from, to))]).unwrap_err().to_string()
    }

    #[test]
    fn all_that_changes_vectors_changes_the_digest() {
        let plain = read(&[("config.json", XLM_ROBERTA)]).unwrap().digest();
        for (from, to) in [
            ("\"num_attention_heads\": 3", "\"num_attention_heads\": 6"),
            ("{", "{\"hidden_act\": \"relu\","),
            ("{", "{\"layer_norm_eps\": 1e-5,"),
            ("\"pad_token_id\": 1", "\"pad_token_id\": 0"),
        ] {
            let edited = read(&[("config.json", &XLM_ROBERTA.replacen(from, to, 1))]).unwrap();
            assert_ne!(edited.digest(), plain, "{to}");
        }
        let lower = ("sentence_bert_config.json", r#"{"do_lower_case": true}"#);
        assert_ne!(read(&[("config.json", XLM_ROBERTA), lower]).unwrap().digest(), plain);
        // Settings that repeat defaults, or concern training only, are the same space.
        let same =
            "{\"hidden_act\": \"gelu\", \"layer_norm_eps\": 0.000000000001, \"hidden_dropout_prob\": 0.3,";
        let same = read(&[("config.json", &XLM_ROBERTA.replacen('{', same, 1))]).unwrap();
        assert_eq!(same.digest(), plain);
        // The digest is stored in databases: a change of its text would separate every existing file from its
        // model.
        assert_eq!(plain, "blake3:0d677ccb31be44e633fef1369b87931c6ba906c57925eb28fdf2b803e8c64749");
    }

    #[test]
    fn a_renamed_folder_keeps_the_prefixes_of_e5() {
        let prefixes = |origin: &str, prompts: Option<&str>| {
            let config = XLM_ROBERTA.replacen('{', &format!("{{\"_name_or_path\": \"{origin}\","), 1);
            let mut files = vec![("config.json", config.as_str())];
            files.extend(prompts.map(|text| ("config_sentence_transformers.json", text)));
            let settings = read(&files).unwrap();
            format!("{}|{}", settings.query_prefix, settings.document_prefix)
        };
        assert_eq!(prefixes("intfloat/multilingual-e5-small", None), "query: |passage: ");
        assert_eq!(prefixes("intfloat/multilingual-e5-large-instruct", None), "|");
        assert_eq!(prefixes("nreimers/MiniLM-L6-H384-uncased", None), "|");
        // The model's own prompts take precedence.
        assert_eq!(prefixes("intfloat/e5-base", Some(r#"{"prompts": {"query": "Q: "}}"#)), "Q: |");
        assert_eq!(prefixes("intfloat/e5-base", Some(r#"{"prompts": {}}"#)), "|");
    }

    #[test]
    fn numbers_beyond_their_bounds_are_refused() {
        for wrong in [0, 49, usize::MAX] {
            let message = refusal("{", &format!("{{\"matryoshka_dimensions\": [16, {wrong}],"));
            assert!(message.contains("config.json: expected declared dimensions from 1"), "{message}");
            assert!(message.ends_with(&format!("got {wrong}")), "{message}");
            let declared = format!("{{\"matryoshka_dimensions\": [{wrong}]}}");
            let files =
                [("config.json", XLM_ROBERTA), ("config_sentence_transformers.json", declared.as_str())];
            let message = read(&files).unwrap_err().to_string();
            assert!(message.contains("config_sentence_transformers.json: expected"), "{message}");
        }
        for wrong in [96, usize::MAX] {
            let message = refusal("\"pad_token_id\": 1", &format!("\"pad_token_id\": {wrong}"));
            assert!(message.contains("a pad_token_id below the vocab_size of 96"), "{message}");
            assert!(message.ends_with(&format!("got {wrong}")), "{message}");
        }
    }
}
