//! The identity of a vector space.

use std::fmt;

use crate::static_model::BundledModel;
use crate::{Error, ModelSource, Precision};

/// Everything that determines what a vector means, as one line of text. Two vectors may be compared if and
/// only if their fingerprints describe the [same space](Self::same_space).
///
/// The canonical text ([`as_str`](Self::as_str)) is what a database stores. Its forms, where `…` stands for
/// digests and for `query_prefix`, `document_prefix`, `dimensions` and `max_tokens`:
///
/// ```text
/// static; weights=blake3:…; tokenizer=blake3:…; pooling=weighted-mean; …; model="static-fren-…"
/// bert; weights=blake3:…; tokenizer=blake3:…; config=blake3:…; pooling=mean; …; model="all-MiniLM-L6-v2"
/// external; dimensions=384; model="my own"
/// imported, model all-MiniLM-L6-v2, unverified
/// ```
///
/// ```
/// use rekall_model::Fingerprint;
///
/// let own = Fingerprint::external("my-model", 384);
/// assert_eq!(own.model(), "my-model");
/// assert_eq!(Fingerprint::parse(own.as_str())?, own);
/// # Ok::<(), rekall_model::Error>(())
/// ```
#[derive(Clone)]
pub struct Fingerprint {
    text: String,
    model: String,
    dimensions: Option<usize>,
}

/// How a model makes the vector of a text; decides how well it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ModelKind {
    /// From a vector for each token, whatever stands around it.
    Static,
    /// By a transformer, which reads each token in its context.
    Transformer,
    /// Not known: a host's own model, an imported file's, one of a later version.
    Unknown,
}

/// The parts a model of this crate puts into its fingerprint.
#[derive(Debug, Clone)]
pub(crate) struct SpaceParts<'a> {
    /// `static`, `bert`, `xlm-roberta`.
    pub(crate) family: &'a str,
    /// Short human name.
    pub(crate) model: &'a str,
    /// `blake3:` and 64 hexadecimal digits.
    pub(crate) weights: &'a str,
    /// The same over the tokenizer's file.
    pub(crate) tokenizer: &'a str,
    /// The same over what else decides how the weights are used; `None` where nothing else does.
    pub(crate) config: Option<&'a str>,
    /// What numbers the matrices are multiplied in.
    pub(crate) precision: Precision,
    /// How token vectors are pooled.
    pub(crate) pooling: &'a str,
    /// Text before a query.
    pub(crate) query_prefix: &'a str,
    /// Text before a document.
    pub(crate) document_prefix: &'a str,
    /// Length of a vector, after any truncation.
    pub(crate) dimensions: usize,
    /// Where text is cut; `None` means never.
    pub(crate) max_tokens: Option<usize>,
}

const MODEL_KEY: &str = "; model=";
const INT8: &str = "; precision=int8";
const IMPORTED: (&str, &str) = ("imported, model ", ", unverified");

impl Fingerprint {
    pub(crate) fn of_parts(parts: &SpaceParts<'_>) -> Self {
        let max_tokens = match parts.max_tokens {
            Some(limit) => limit.to_string(),
            None => "none".into(),
        };
        let config = parts.config.map_or(String::new(), |digest| format!("; config={digest}"));
        // Spaces that were stored before there was a choice have no such part.
        let precision = match parts.precision {
            Precision::F32 => "",
            Precision::Int8 => INT8,
        };
        let text = format!(
            "{}; weights={}; tokenizer={}{config}{precision}; pooling={}; normalize=true; query_prefix={}; \
             document_prefix={}; dimensions={}; max_tokens={max_tokens}{MODEL_KEY}{}",
            parts.family,
            parts.weights,
            parts.tokenizer,
            parts.pooling,
            quoted(parts.query_prefix),
            quoted(parts.document_prefix),
            parts.dimensions,
            quoted(parts.model),
        );
        Self { text, model: parts.model.to_owned(), dimensions: Some(parts.dimensions) }
    }

    /// The space of a host's own model. The host answers for the name: change it whenever the
    /// model's vectors change meaning.
    ///
    /// ```
    /// use rekall_model::Fingerprint;
    ///
    /// let space = Fingerprint::external("my-model v2", 384);
    /// assert_eq!(space.as_str(), "external; dimensions=384; model=\"my-model v2\"");
    /// assert!(!space.same_space(&Fingerprint::external("my-model v3", 384)));
    /// ```
    pub fn external(model: &str, dimensions: usize) -> Self {
        Self {
            text: format!("external; dimensions={dimensions}{MODEL_KEY}{}", quoted(model)),
            model: model.to_owned(),
            dimensions: Some(dimensions),
        }
    }

    /// The space of vectors from an imported file that names its model without proof. Its text does not hold
    /// the dimensions: the file that stores the space does.
    ///
    /// ```
    /// use rekall_model::Fingerprint;
    ///
    /// let space = Fingerprint::imported("all-MiniLM-L6-v2", 384);
    /// assert!(space.is_unverified());
    /// assert_eq!(space.as_str(), "imported, model all-MiniLM-L6-v2, unverified");
    /// ```
    pub fn imported(model: &str, dimensions: usize) -> Self {
        let model: String = model.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Self { text: format!("{}{model}{}", IMPORTED.0, IMPORTED.1), model, dimensions: Some(dimensions) }
    }

    /// Reads a stored fingerprint.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if the text is not that of a fingerprint.
    ///
    /// ```
    /// use rekall_model::Fingerprint;
    ///
    /// let stored = "imported, model all-MiniLM-L6-v2, unverified";
    /// assert_eq!(Fingerprint::parse(stored)?.model(), "all-MiniLM-L6-v2");
    /// assert!(Fingerprint::parse("all-MiniLM-L6-v2").is_err());
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = || Error::InvalidInput {
            what: "fingerprint",
            expected: "the text of a model fingerprint".into(),
            got: format!("{text:?}"),
        };
        if let Some(model) = text.strip_prefix(IMPORTED.0).and_then(|rest| rest.strip_suffix(IMPORTED.1)) {
            return Ok(Self { text: text.to_owned(), model: model.to_owned(), dimensions: None });
        }
        // The name comes last and is quoted, so the first occurrence of the key that is followed
        // by a complete JSON string reaching the end is the one.
        let (space, name) = text.rsplit_once(MODEL_KEY).ok_or_else(refuse)?;
        let model: String = serde_json::from_str(name).map_err(|_| refuse())?;
        let dimensions = space
            .rsplit("; ")
            .find_map(|part| part.strip_prefix("dimensions="))
            .and_then(|number| number.parse().ok())
            .ok_or_else(refuse)?;
        Ok(Self { text: text.to_owned(), model, dimensions: Some(dimensions) })
    }

    /// The canonical one-line text.
    ///
    /// ```
    /// use rekall_model::Fingerprint;
    ///
    /// assert_eq!(Fingerprint::external("m", 3).as_str(), "external; dimensions=3; model=\"m\"");
    /// ```
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How the model makes a text's vector.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")] {
    /// use rekall_model::{Embedder, Fingerprint, LoadOptions, ModelKind, StaticEmbedder};
    ///
    /// let bundled = StaticEmbedder::bundled(&LoadOptions::new())?;
    /// assert_eq!(bundled.fingerprint().kind(), ModelKind::Static);
    /// assert_eq!(Fingerprint::external("my-model", 384).kind(), ModelKind::Unknown);
    /// # }
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    pub fn kind(&self) -> ModelKind {
        match self.text.split_once(';') {
            Some(("static", _)) => ModelKind::Static,
            Some((
                "bert" | "camembert" | "distilbert" | "gemma3_text" | "gte" | "jina-bert" | "modernbert"
                | "mpnet" | "nomic_bert" | "qwen3" | "roberta" | "xlm-roberta",
                _,
            )) => ModelKind::Transformer,
            _ => ModelKind::Unknown,
        }
    }

    /// The built-in model that made the vectors: the current one, or one that was it before, also where it was
    /// read from a folder and whatever its options. `None`: another model.
    ///
    /// ```
    /// use rekall_model::{Fingerprint, ModelSource};
    ///
    /// let weights = "blake3:336bd755e525064671e2c32b5c50ab1368d7c4bdde6071673f9db9a8959cc031";
    /// let tokenizer = "blake3:aa24af8dac4b0f77e460ede3b35e662795cd617646d75b879bd6abe7e1981f5d";
    /// let stored = format!("static; weights={weights}; tokenizer={tokenizer}; dimensions=256; model=\"old\"");
    /// assert_eq!(Fingerprint::parse(&stored)?.bundled_model(), Some(ModelSource::BundledV1));
    /// assert_eq!(Fingerprint::external("old", 256).bundled_model(), None);
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    pub fn bundled_model(&self) -> Option<ModelSource> {
        let mut parts = self.space()?.split("; ");
        let digests = (parts.next()? == "static").then_some((parts.next()?, parts.next()?));
        let (weights, tokenizer) = digests?;
        BundledModel::source_of(weights.strip_prefix("weights=")?, tokenizer.strip_prefix("tokenizer=")?)
    }

    /// The model's short human name.
    ///
    /// ```
    /// use rekall_model::Fingerprint;
    ///
    /// assert_eq!(Fingerprint::external("my-model", 384).model(), "my-model");
    /// ```
    pub fn model(&self) -> &str {
        &self.model
    }

    /// For messages to people: the name, the dimensions, the precision where it is not 32-bit floats, and eight hexadecimal
    /// digits that distinguish spaces with the same name and dimensions, for example `MiniLM (384 dimensions, int8, 5a01c3f7)`.
    ///
    /// ```
    /// use rekall_model::Fingerprint;
    ///
    /// assert!(Fingerprint::external("my-model", 384).short().starts_with("my-model (384 dimensions, "));
    /// ```
    pub fn short(&self) -> String {
        let digest = blake3::hash(self.space().unwrap_or(&self.text).as_bytes()).to_hex();
        let dimensions =
            self.dimensions.map_or(String::new(), |dimensions| format!("{dimensions} dimensions, "));
        let made_by = self.text.split_once("; pooling=").map_or("", |(made_by, _)| made_by);
        let precision = if made_by.ends_with(INT8) { "int8, " } else { "" };
        format!("{} ({dimensions}{precision}{})", self.model, &digest[..8])
    }

    /// Length of a vector, where known: not for a parsed `imported` space.
    ///
    /// ```
    /// use rekall_model::Fingerprint;
    ///
    /// assert_eq!(Fingerprint::external("m", 384).dimensions(), Some(384));
    /// assert_eq!(Fingerprint::parse("imported, model m, unverified")?.dimensions(), None);
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    pub fn dimensions(&self) -> Option<usize> {
        self.dimensions
    }

    /// Whether vectors of the two may be compared: equal in all but the name, which a renamed
    /// folder changes without changing any vector. An unverified or external space is known by its
    /// name alone, so there the names must agree too.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")] {
    /// use rekall_model::{Embedder, LoadOptions, StaticEmbedder};
    ///
    /// let plain = StaticEmbedder::bundled(&LoadOptions::new())?;
    /// let prefixed = StaticEmbedder::bundled(&LoadOptions::new().query_prefix("query: "))?;
    /// assert!(plain.fingerprint().same_space(StaticEmbedder::bundled(&LoadOptions::new())?.fingerprint()));
    /// assert!(!plain.fingerprint().same_space(prefixed.fingerprint()));
    /// # }
    /// # Ok::<(), rekall_model::Error>(())
    /// ```
    pub fn same_space(&self, other: &Self) -> bool {
        self.text == other.text || matches!((self.space(), other.space()), (Some(a), Some(b)) if a == b)
    }

    /// The text before the name, if that alone identifies the space.
    fn space(&self) -> Option<&str> {
        let (space, _) = self.text.rsplit_once(MODEL_KEY)?;
        space.contains("; weights=").then_some(space)
    }

    /// Whether this space is known by its name alone.
    ///
    /// ```
    /// use rekall_model::Fingerprint;
    ///
    /// assert!(Fingerprint::imported("m", 384).is_unverified());
    /// assert!(!Fingerprint::external("m", 384).is_unverified());
    /// ```
    pub fn is_unverified(&self) -> bool {
        self.text.starts_with(IMPORTED.0)
    }
}

// By text: it holds the name and all that is known, and it is what a database compares.
impl PartialEq for Fingerprint {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Fingerprint {}

impl std::hash::Hash for Fingerprint {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({})", self.text)
    }
}

/// A JSON string: quotes, backslashes and control characters escaped, so that free text can
/// neither end the line nor imitate another key.
fn quoted(text: &str) -> String {
    // `;` is escaped too, so that "; model=" occurs once in any fingerprint.
    serde_json::Value::from(text).to_string().replace(';', "\\u003b")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts<'a>(model: &'a str, query_prefix: &'a str) -> SpaceParts<'a> {
        SpaceParts {
            family: "static",
            model,
            weights: "blake3:00",
            tokenizer: "blake3:11",
            config: None,
            precision: Precision::F32,
            pooling: "weighted-mean",
            query_prefix,
            document_prefix: "",
            dimensions: 256,
            max_tokens: Some(512),
        }
    }

    #[test]
    fn parse_inverts_as_str() {
        let awkward = "a \"b\"; model=\"x\"\n; dimensions=7";
        for f in [Fingerprint::of_parts(&parts(awkward, awkward)), Fingerprint::external(awkward, 384)] {
            assert_eq!(f.as_str().lines().count(), 1);
            let parsed = Fingerprint::parse(f.as_str()).unwrap();
            assert_eq!(parsed, f);
            assert_eq!(parsed.model(), awkward);
        }
        let imported = Fingerprint::parse("imported, model MiniLM, unverified").unwrap();
        assert_eq!(imported.as_str(), Fingerprint::imported("MiniLM", 384).as_str());
        assert_eq!(imported.model(), "MiniLM");
        assert!(imported.is_unverified());
        assert!(Fingerprint::parse("nonsense").is_err());
        assert!(Fingerprint::parse("").is_err());
    }

    #[test]
    fn the_short_form_tells_spaces_apart() {
        let short = |prefix| Fingerprint::of_parts(&parts("a", prefix)).short();
        assert!(short("").starts_with("a (256 dimensions, "), "{}", short(""));
        assert_ne!(short(""), short("query: "));
        let int8 = SpaceParts { precision: Precision::Int8, ..parts("a", "; precision=int8") };
        let int8 = Fingerprint::of_parts(&int8).short();
        assert!(int8.starts_with("a (256 dimensions, int8, ") && !short("; precision=int8").contains("int8"));
        assert_eq!(Fingerprint::imported("b", 3).short().len(), "b (3 dimensions, 01234567)".len());
    }

    #[test]
    fn a_renamed_model_is_the_same_space_and_another_prefix_is_not() {
        let a = Fingerprint::of_parts(&parts("a", ""));
        assert!(a.same_space(&Fingerprint::of_parts(&parts("b", ""))));
        assert!(!a.same_space(&Fingerprint::of_parts(&parts("a", "query: "))));
        assert!(!Fingerprint::external("a", 3).same_space(&Fingerprint::external("b", 3)));
        assert!(!Fingerprint::imported("a", 3).same_space(&Fingerprint::imported("b", 3)));
        assert!(Fingerprint::imported("a", 3).same_space(&Fingerprint::imported("a", 3)));
    }
}
