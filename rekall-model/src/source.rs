//! Where a model comes from.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::Error;

/// Where a model comes from. As text (configuration files, command lines): `bundled`, `bundled-v1`,
/// `path:DIR`, `hub:OWNER/NAME` or `hub:OWNER/NAME@REVISION`.
///
/// ```
/// use rekall_model::ModelSource;
///
/// let source: ModelSource = "hub:intfloat/multilingual-e5-small@main".parse()?;
/// assert_eq!(source.to_string(), "hub:intfloat/multilingual-e5-small@main");
/// # Ok::<(), rekall_model::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum ModelSource {
    /// The static French and English model compiled into this crate (feature `bundled-model`).
    #[default]
    Bundled,
    /// The first model that was [`Bundled`](Self::Bundled), up to version 0.1 (feature `bundled-model-v1`), for
    /// files with vectors that it made. Its folder, `rekall-model-v1/data` of the repository, is the same model.
    BundledV1,
    /// A folder with the model's files. Weights are mapped, not copied: replace a file by renaming
    /// another over it, never by writing into it, while a model loaded from it is in use.
    ///
    /// The files may come from anybody: each has to be a regular file, of at most 16 MiB for settings
    /// (`config.json` and its like), 64 MiB for `tokenizer.json`, 16 GiB for weights, and is validated before
    /// use. Only the time that a tokenizer's regular expressions take is not bounded.
    Path(PathBuf),
    /// A model of the Hugging Face hub, read from its ordinary cache folder, downloaded into it
    /// when absent (feature `hub`). The only source that may touch the network, and that writes: with
    /// [`Precision::Int8`](crate::Precision::Int8) also what was rounded, into the folder `rekall` of the model there.
    Hub {
        /// `OWNER/NAME`.
        repo: String,
        /// Branch, tag or commit; `None` is the repository's default, `main`.
        revision: Option<String>,
    },
}

impl fmt::Display for ModelSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundled => f.write_str("bundled"),
            Self::BundledV1 => f.write_str("bundled-v1"),
            Self::Path(folder) => write!(f, "path:{}", folder.display()),
            Self::Hub { repo, revision: None } => write!(f, "hub:{repo}"),
            Self::Hub { repo, revision: Some(revision) } => write!(f, "hub:{repo}@{revision}"),
        }
    }
}

impl FromStr for ModelSource {
    type Err = Error;

    /// # Errors
    /// [`Error::InvalidInput`] for any other text, or an empty folder, repository or revision.
    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = || Error::InvalidInput {
            what: "model",
            expected: "bundled, bundled-v1, path:DIR or hub:OWNER/NAME[@REVISION]".into(),
            got: format!("{text:?}"),
        };
        match text {
            "bundled" => return Ok(Self::Bundled),
            "bundled-v1" => return Ok(Self::BundledV1),
            _ => {}
        }
        if let Some(folder) = text.strip_prefix("path:") {
            return if folder.is_empty() { Err(refuse()) } else { Ok(Self::Path(folder.into())) };
        }
        let hub = text.strip_prefix("hub:").ok_or_else(refuse)?;
        let (repo, revision) = match hub.split_once('@') {
            Some((repo, revision)) => (repo, Some(revision.to_owned())),
            None => (hub, None),
        };
        // The two halves become folder names of the cache: nothing may climb out of it.
        let name_ok = |name: &str| {
            !name.is_empty()
                && !name.starts_with('.')
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        let repo_ok = match repo.split_once('/') {
            Some((owner, name)) => name_ok(owner) && name_ok(name),
            None => name_ok(repo),
        };
        let revision_ok = revision.as_deref().is_none_or(|r| r.split('/').all(name_ok));
        if !repo_ok || !revision_ok {
            return Err(refuse());
        }
        Ok(Self::Hub { repo: repo.to_owned(), revision })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_there_and_back() {
        for text in ["bundled", "bundled-v1", "path:/a b/c", "hub:o/n", "hub:o/n@refs/pr/3", "hub:gpt2"] {
            assert_eq!(text.parse::<ModelSource>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        for text in ["", "Bundled", "path:", "hub:", "hub:../x", "hub:a/b/c", "hub:a/b@", "hub:a/b@../c"] {
            let error = text.parse::<ModelSource>().unwrap_err();
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }
}
