//! A whole run from JSON, for programs that hand over everything at once.

use serde::Deserialize;

use super::report::SyncReport;
use super::source::NewSource;
use super::sync::SourceSync;
use crate::long_call::Watch;
use crate::{Error, LongCall, Rekall};

/// What a reader found under a root.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct Found {
    sources: Vec<NewSource>,
    /// URIs of sources that are as they were.
    current: Vec<String>,
    skipped: Vec<Skipped>,
    prune: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Skipped {
    uri: String,
    reason: String,
}

impl Rekall {
    /// As [`sync_sources`](Self::sync_sources), with all that was found in one JSON object: `sources` (as [`NewSource`] is
    /// written by serde: `uri`, `stamp`, `sections` with `path`, `title`, `content`, `line`, `tags`, and so on), `current`
    /// (URIs of sources that are as they were), `skipped` (objects of `uri` and `reason`) and `prune`. Only what there is
    /// has to be there. Progress counts sections.
    ///
    /// ```
    /// # use rekall::Rekall;
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let found = r#"{"sources": [{"uri": "wiki:/a", "stamp": "7",
    ///     "sections": [{"path": ["Ship"], "title": "Ship", "content": "Push a tag.", "line": 1}]}]}"#;
    /// assert_eq!(rekall.sync_sources_json("wiki:", found).run()?.added, 1);
    /// assert_eq!(rekall.sync_sources_json("wiki:", r#"{"current": ["wiki:/a"]}"#).run()?.kept, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::SourcesJson`] for what is no such object; otherwise as [`SourceSync::add`] and [`SourceSync::finish`].
    pub fn sync_sources_json<'a>(&'a self, root: &'a str, json: &'a str) -> LongCall<'a, SyncReport> {
        LongCall::new(move |watch| self.sync_found(root, json, watch))
    }

    fn sync_found(&self, root: &str, json: &str, watch: &mut Watch<'_>) -> Result<SyncReport, Error> {
        let found: Found =
            serde_json::from_str(json).map_err(|error| Error::SourcesJson { problem: error.to_string() })?;
        let mut sync: SourceSync<'_> =
            self.sync_sources(root)?.prune(found.prune).watched(std::mem::take(watch));
        for uri in &found.current {
            sync.keep(uri);
        }
        for Skipped { uri, reason } in found.skipped {
            sync.skip(uri, reason);
        }
        for source in found.sources {
            sync.add(source)?;
        }
        sync.finish()
    }
}
