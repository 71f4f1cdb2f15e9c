//! The settings of a sentence transformer, from its files.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::dense::DenseShape;
use super::pooling::Pooling;
use super::quantization::Quantization;
use super::shape::Shape;
use crate::files::{digest, read_json};
use crate::{Device, Error, LoadOptions};

/// A model's settings, from all its files and the options.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) shape: Shape,
    /// How linear layers are stored. No part of the fingerprint: the weights' digest stands for it.
    pub(super) quantization: Quantization,
    pub(super) pooling: Pooling,
    /// What the pooled row goes through.
    pub(super) dense: Vec<DenseShape>,
    pub(super) query_prefix: String,
    pub(super) document_prefix: String,
    /// Most tokens of a text, with prefix and special tokens.
    pub(super) limit: usize,
    /// Length of the vectors returned.
    pub(super) dimensions: usize,
    /// Whether the text is converted to lower case before the tokenizer, as sentence-transformers does.
    pub(super) lower_case: bool,
    pub(super) tokenizer: PathBuf,
}

/// What `config.json` says besides the network's shape.
#[derive(Default, Deserialize)]
struct Declarations {
    /// Lengths to which vectors may be shortened, if the model was trained for it.
    #[serde(default, alias = "matryoshka_dims")]
    matryoshka_dimensions: Vec<usize>,
    /// The name of the model, or of its base model, when the file was written.
    #[serde(default, rename = "_name_or_path")]
    origin: Option<String>,
    /// The class that the reference implementation loads it with.
    #[serde(default)]
    architectures: Value,
}

#[derive(Deserialize)]
struct Module {
    #[serde(default)]
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

/// The pooling in both forms of its file: a flag for each mode, or since sentence-transformers 6 their names.
#[derive(Deserialize)]
struct PoolingFile {
    #[serde(default)]
    pooling_mode: Option<Modes>,
    /// Whether a prefix is pooled, too.
    #[serde(default = "yes")]
    include_prompt: bool,
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

#[derive(Deserialize)]
#[serde(untagged)]
enum Modes {
    One(String),
    Several(Vec<String>),
}

fn yes() -> bool {
    true
}

#[derive(Default, Deserialize)]
struct SentenceBert {
    max_seq_length: Option<usize>,
    #[serde(default)]
    do_lower_case: bool,
}

/// `tokenizer_config.json`.
#[derive(Default, Deserialize)]
pub(super) struct TokenizerConfig {
    /// 1e30 if the tokenizer has no limit.
    model_max_length: Option<f64>,
}

impl TokenizerConfig {
    pub(super) fn read(folder: &Path) -> Result<Self, Error> {
        Ok(optional(&folder.join("tokenizer_config.json"))?.unwrap_or_default())
    }

    /// The most tokens of an input, of a network that is made for so many.
    pub(super) fn limit(&self, positions: usize) -> usize {
        match self.model_max_length {
            Some(length) if length < positions as f64 => length as usize,
            _ => positions,
        }
    }
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
        options.check_precision(true)?;
        let path = folder.join("config.json");
        let shape = Shape::read(&path)?;
        let quantization = Quantization::read(&path)?;
        let declarations: Declarations = read_json(&path)?;
        let mut classes =
            declarations.architectures.as_array().into_iter().flatten().filter_map(Value::as_str);
        if let Some(class) = classes.find(|class| class.ends_with("ForSequenceClassification")) {
            return Err(Error::UnsupportedModel {
                path,
                expected: "a model that makes vectors".into(),
                got: format!("{class}, a reranker"),
            });
        }
        let Modules { pooling_folder, is_pooling_named, dense_folders } = Modules::read(folder)?;
        let (pooling, pooling_path, pools_prefix) = pooling(folder, &pooling_folder, is_pooling_named)?;
        let mut full = shape.width();
        let mut dense = Vec::new();
        for module in dense_folders {
            let module = DenseShape::read(&folder.join(module), full)?;
            full = module.to;
            dense.push(module);
        }
        check_device(&shape, quantization, &dense, options.device)?;
        check_declared(&path, &declarations.matryoshka_dimensions, full)?;
        let sentence: SentenceBert = optional(&folder.join("sentence_bert_config.json"))?.unwrap_or_default();
        let tokens = TokenizerConfig::read(folder)?;
        let prompts_path = folder.join("config_sentence_transformers.json");
        let prompts: SentenceTransformers = optional(&prompts_path)?.unwrap_or_default();
        check_declared(&prompts_path, &prompts.matryoshka_dimensions, full)?;
        let origin = declarations.origin.as_deref();
        let (query_prefix, document_prefix) = prefixes(&prompts, [origin, Some(name)], full, options);

        let has_prefix = !query_prefix.is_empty() || !document_prefix.is_empty();
        if has_prefix && !pools_prefix {
            return Err(Error::UnsupportedModel {
                path: pooling_path,
                expected: "prefixes that are pooled with the text".into(),
                got: "include_prompt false, and prefixes".into(),
            });
        }

        let limit = match sentence.max_seq_length {
            Some(length) => shape.positions().min(length),
            None => tokens.limit(shape.positions()),
        };
        let dimensions = options.dimensions.unwrap_or(full);
        let mut declared = declarations.matryoshka_dimensions;
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
            shape,
            quantization,
            pooling,
            dense,
            query_prefix,
            document_prefix,
            limit,
            dimensions,
            lower_case: sentence.do_lower_case,
            tokenizer: folder.join("tokenizer.json"),
        })
    }

    /// The digest of all settings that change vectors and are in no other part of the fingerprint: another
    /// number of heads or another activation fits the same matrices.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::MissingFile`] for the weights of a dense module, which are a part of it.
    pub(super) fn digest(&self) -> Result<String, Error> {
        // Stored fingerprints depend on each character.
        let mut text = format!("{}; lower_case={}", self.shape.describe(), self.lower_case);
        for dense in &self.dense {
            text += &format!("; dense={}", dense.describe()?);
        }
        Ok(digest(text.as_bytes()))
    }
}

/// Refuses a device that this build or this crate does not run the network on.
fn check_device(
    shape: &Shape,
    quantization: Quantization,
    dense: &[DenseShape],
    device: Device,
) -> Result<(), Error> {
    if device == Device::Cpu {
        return Ok(());
    }
    if cfg!(not(feature = "candle")) {
        return Err(Error::FeatureOff { what: format!("device {device:?}"), feature: "candle" });
    }
    let alone = match shape {
        _ if !dense.is_empty() => "Dense modules run".into(),
        _ if quantization != Quantization::None => "weights in eight bits are read".into(),
        Shape::Bert(_) => return Ok(()),
        _ => format!("{} runs", shape.family()),
    };
    Err(Error::InvalidInput {
        what: "device",
        expected: format!("the processor, on which alone {alone}"),
        got: format!("{device:?}"),
    })
}

/// The most tokens of an input of a network that reads `limit`, as the options have it; `special`: tokens around the text.
pub(super) fn limited(limit: usize, options: &LoadOptions, special: usize) -> usize {
    options.max_tokens.map_or(limit, |asked| limit.min(asked.saturating_add(special)))
}

/// Checks the lengths to which a file declares that vectors may be shortened.
fn check_declared(path: &Path, declared: &[usize], full: usize) -> Result<(), Error> {
    match declared.iter().find(|&&length| length == 0 || length > full) {
        None => Ok(()),
        Some(wrong) => Err(Error::invalid_file(
            path,
            format!("declared dimensions from 1 to the {full} of a whole vector"),
            wrong.to_string(),
        )),
    }
}

/// Reads a file that may be missing.
fn optional<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    if path.exists() { read_json(path).map(Some) } else { Ok(None) }
}

/// What a row goes through, from `modules.json`.
struct Modules {
    pooling_folder: String,
    /// Whether the file says where the pooling is.
    is_pooling_named: bool,
    dense_folders: Vec<String>,
}

impl Modules {
    fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("modules.json");
        let modules: Vec<Module> = optional(&path)?.unwrap_or_default();
        let mut found =
            Self { pooling_folder: "1_Pooling".into(), is_pooling_named: false, dense_folders: Vec::new() };
        let mut is_normalized = false;
        for module in modules {
            let kind = module.kind.rsplit('.').next();
            if matches!(kind, Some("Pooling" | "Dense"))
                && !Path::new(&module.path).components().all(|part| matches!(part, Component::Normal(_)))
            {
                let expected = "a path inside the model's folder";
                return Err(Error::invalid_file(&path, expected, format!("{:?}", module.path)));
            }
            match kind {
                Some("Transformer") => {}
                Some("Normalize") => is_normalized = true,
                Some("Pooling") => {
                    found.pooling_folder = module.path;
                    found.is_pooling_named = true;
                }
                // Before the pooling it would be for each token, and behind a norm for a row of length 1.
                Some("Dense") if found.is_pooling_named && !is_normalized => {
                    found.dense_folders.push(module.path);
                }
                _ => {
                    return Err(Error::UnsupportedModel {
                        path,
                        expected: "modules Transformer, Pooling, Dense and Normalize in this order".into(),
                        got: module.kind,
                    });
                }
            }
        }
        Ok(found)
    }
}

/// From the pooling module's own file; without one, the mean, as sentence-transformers does for a bare transformer. With that
/// file, and whether a prefix is pooled, too. `promised`: there has to be one.
fn pooling(folder: &Path, pooling_folder: &str, promised: bool) -> Result<(Pooling, PathBuf, bool), Error> {
    let path = folder.join(pooling_folder).join("config.json");
    let Some(file) = optional::<PoolingFile>(&path)? else {
        // The mean would be a guess, and vectors of the wrong pooling would not show as an error.
        if promised {
            return Err(Error::MissingFile { path, expected: "the pooling that modules.json names".into() });
        }
        return Ok((Pooling::Mean, path, true));
    };
    let named = match &file.pooling_mode {
        Some(Modes::One(mode)) => std::slice::from_ref(mode),
        Some(Modes::Several(modes)) => modes,
        None => &[],
    };
    if !named.is_empty() {
        let pooling = match named {
            [mode] if mode == "cls" => Pooling::Cls,
            [mode] if mode == "max" => Pooling::Max,
            [mode] if mode == "lasttoken" => Pooling::Last,
            [mode] if mode == "mean" || mode == "mean_sqrt_len_tokens" => Pooling::Mean,
            other => {
                return Err(Error::UnsupportedModel {
                    path,
                    expected: "exactly one pooling mode of mean, cls, max and lasttoken".into(),
                    got: other.join(", "),
                });
            }
        };
        return Ok((pooling, path, file.include_prompt));
    }
    let mean = file.pooling_mode_mean_tokens || file.pooling_mode_mean_sqrt_len_tokens;
    let flags = [
        (mean, Pooling::Mean),
        (file.pooling_mode_cls_token, Pooling::Cls),
        (file.pooling_mode_max_tokens, Pooling::Max),
        (file.pooling_mode_lasttoken, Pooling::Last),
    ];
    let named: Vec<Pooling> = flags.iter().filter(|(is_on, _)| *is_on).map(|(_, pooling)| *pooling).collect();
    match (&named[..], file.pooling_mode_weightedmean_tokens) {
        ([pooling], false) => Ok((*pooling, path, file.include_prompt)),
        (several, weighted) => Err(Error::UnsupportedModel {
            path,
            expected: "exactly one pooling mode of mean, cls, max and lasttoken".into(),
            got: format!(
                "{:?}, weighted mean {weighted}",
                several.iter().map(|p| p.name()).collect::<Vec<_>>()
            ),
        }),
    }
}

/// Families of models that are trained with prefixes, and document them in prose only; without them the vectors are poor.
/// Parts of their names, the query's prefix and the document's.
const FAMILIES: [(&[&str], &str, &str); 2] = [
    (&["e5-small", "e5-base", "e5-large"], "query: ", "passage: "),
    (&["modernbert-embed", "nomic-embed-text"], "search_query: ", "search_document: "),
];

/// The prefixes of queries and documents: from the options, else from the model's prompts, else those that
/// the family is known to need. The family follows from the model's name in `config.json`, which renaming the
/// folder does not change; else from the folder's or the repository's name. Prefixes are part of the
/// fingerprint: another prefix is another space.
fn prefixes(
    file: &SentenceTransformers,
    [origin, name]: [Option<&str>; 2],
    width: usize,
    options: &LoadOptions,
) -> (String, String) {
    let prompt = |names: &[&str]| names.iter().find_map(|name| file.prompts.as_ref()?.get(*name)).cloned();
    let default = file.default_prompt_name.as_deref().and_then(|name| prompt(&[name]));
    let mut query = prompt(&["query", "search_query"]).or_else(|| default.clone());
    let mut document = prompt(&["document", "passage", "corpus", "search_document"]).or(default);
    // An empty list of prompts may mean a model fine-tuned from E5 without prefixes; then only its own name
    // counts.
    let names = [origin.filter(|_| file.prompts.is_none()), name];
    let has = |part: &str| names.iter().flatten().any(|name| name.contains(part));
    let family = FAMILIES.iter().find(|(parts, ..)| parts.iter().any(|part| has(part)));
    if let Some((_, of_query, of_document)) = family
        && file.prompts.iter().flat_map(BTreeMap::values).all(String::is_empty)
        && width <= 1024
        && !has("instruct")
    {
        query = Some((*of_query).to_owned());
        document = Some((*of_document).to_owned());
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
        let plain = read(&[("config.json", XLM_ROBERTA)]).unwrap().digest().unwrap();
        for (from, to) in [
            ("\"num_attention_heads\": 3", "\"num_attention_heads\": 6"),
            ("{", "{\"hidden_act\": \"relu\","),
            ("{", "{\"layer_norm_eps\": 1e-5,"),
            ("\"pad_token_id\": 1", "\"pad_token_id\": 0"),
        ] {
            let edited = read(&[("config.json", &XLM_ROBERTA.replacen(from, to, 1))]).unwrap();
            assert_ne!(edited.digest().unwrap(), plain, "{to}");
        }
        let lower = ("sentence_bert_config.json", r#"{"do_lower_case": true}"#);
        assert_ne!(read(&[("config.json", XLM_ROBERTA), lower]).unwrap().digest().unwrap(), plain);
        // Settings that repeat defaults, or concern training only, are the same space.
        let same =
            "{\"hidden_act\": \"gelu\", \"layer_norm_eps\": 0.000000000001, \"hidden_dropout_prob\": 0.3,";
        let same = read(&[("config.json", &XLM_ROBERTA.replacen('{', same, 1))]).unwrap();
        assert_eq!(same.digest().unwrap(), plain);
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
        assert_eq!(prefixes("nomic-ai/modernbert-embed-base", None), "search_query: |search_document: ");
        assert_eq!(prefixes("nomic-ai/nomic-embed-text-v1.5", None), "search_query: |search_document: ");
        // The model's own prompts take precedence.
        assert_eq!(prefixes("intfloat/e5-base", Some(r#"{"prompts": {"query": "Q: "}}"#)), "Q: |");
        assert_eq!(prefixes("intfloat/e5-base", Some(r#"{"prompts": {}}"#)), "|");
        let none = r#"{"prompts": {"query": "", "document": ""}}"#;
        assert_eq!(prefixes("intfloat/e5-base", Some(none)), "|");
    }

    #[test]
    fn both_forms_of_the_pooling_file_are_read() {
        let pooling = |json: &str| {
            let prompts = r#"{"prompts": {"query": "Q: "}}"#;
            let with_prompts = json.contains("include_prompt");
            let mut files = vec![("config.json", XLM_ROBERTA), ("1_Pooling/config.json", json)];
            files.extend(with_prompts.then_some(("config_sentence_transformers.json", prompts)));
            read(&files).map(|settings| settings.pooling)
        };
        for (json, expected) in [
            (r#"{"pooling_mode": "cls"}"#, Pooling::Cls),
            (r#"{"pooling_mode": ["max"]}"#, Pooling::Max),
            (r#"{"pooling_mode": "mean", "include_prompt": true}"#, Pooling::Mean),
            (r#"{"pooling_mode": "mean_sqrt_len_tokens"}"#, Pooling::Mean),
            (r#"{"pooling_mode": "lasttoken"}"#, Pooling::Last),
            (r#"{"pooling_mode_cls_token": true}"#, Pooling::Cls),
            (r#"{"pooling_mode_lasttoken": true, "pooling_mode_mean_tokens": false}"#, Pooling::Last),
        ] {
            assert_eq!(pooling(json).unwrap(), expected, "{json}");
        }
        for (json, got) in [
            (r#"{"pooling_mode": "weightedmean"}"#, "got weightedmean"),
            (
                r#"{"pooling_mode_lasttoken": true, "pooling_mode_cls_token": true}"#,
                r#"got ["cls", "lasttoken"]"#,
            ),
            (r#"{"pooling_mode_weightedmean_tokens": true}"#, "weighted mean true"),
            (r#"{"pooling_mode": ["cls", "mean"]}"#, "got cls, mean"),
            (r#"{"pooling_mode": []}"#, "got [], weighted mean false"),
            (r#"{"pooling_mode": "mean", "include_prompt": false}"#, "include_prompt false"),
        ] {
            let error = pooling(json).unwrap_err();
            assert!(
                matches!(error, Error::UnsupportedModel { .. }) && error.to_string().contains(got),
                "{error}"
            );
        }
    }

    #[test]
    fn dense_modules_follow_the_pooling() {
        let settings = |kinds: &[&str], dense: &str| {
            let modules: Vec<String> = kinds
                .iter()
                .enumerate()
                .map(|(at, kind)| {
                    format!(r#"{{"path": "{at}_{kind}", "type": "sentence_transformers.models.{kind}"}}"#)
                })
                .collect();
            let modules = format!("[{}]", modules.join(","));
            let pooling = r#"{"pooling_mode": "mean"}"#;
            read(&[
                ("config.json", XLM_ROBERTA),
                ("modules.json", &modules),
                ("1_Pooling/config.json", pooling),
                ("2_Dense/config.json", dense),
            ])
        };
        const ORDER: [&str; 4] = ["Transformer", "Pooling", "Dense", "Normalize"];
        const DENSE: &str = r#"{"in_features": 48, "out_features": 20, "bias": false,
            "activation_function": "torch.nn.modules.linear.Identity"}"#;
        let found = settings(&ORDER, DENSE).unwrap();
        assert_eq!((found.dense.len(), found.dimensions), (1, 20));
        let refusal = |kinds: &[&str], dense: &str| settings(kinds, dense).unwrap_err().to_string();
        let message = refusal(&["Transformer", "Pooling", "Normalize", "Dense"], DENSE);
        assert!(message.contains("in this order, got sentence_transformers.models.Dense"), "{message}");
        for (from, to, expected) in [
            ("48", "40", "in_features 48, as many as what comes before gives, got 40"),
            ("20", "0", "out_features from 1 to"),
            ("linear.Identity", "activation.ReLU", "activation_function Identity or Tanh, got torch"),
            (
                "{",
                "{\"module_input_name\": \"token_embeddings\",",
                "of the pooled row, got \"token_embeddings\"",
            ),
        ] {
            let message = refusal(&ORDER, &DENSE.replacen(from, to, 1));
            assert!(message.contains(expected), "{message}");
        }
        let message = refusal(&["Transformer", "Pooling", "Normalize", "LSTM"], DENSE);
        assert!(message.contains("got sentence_transformers.models.LSTM"), "{message}");
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
