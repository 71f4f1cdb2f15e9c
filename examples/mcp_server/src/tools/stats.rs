//! stats: what the memory holds.

use rekall::{CancelToken, Facet, Filter, Rekall};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Effect, Tool};
use crate::failure::Failure;

/// Names of each sort that are listed.
const NAMES: usize = 15;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Stats {}

impl Tool for Stats {
    const NAME: &'static str = "stats";
    const TITLE: &'static str = "What the memory holds";
    const DESCRIPTION: &'static str = "\
Counts the notes and lists the most frequent projects, kinds and tags, so that recall and recent can be narrowed, and \
new notes use names that are there already.";
    const EFFECT: Effect = Effect::Reads;

    fn call(self, rekall: &Rekall, _cancel: &CancelToken) -> Result<String, Failure> {
        let stats = rekall.stats()?;
        let store = &stats.store;
        let mut text = format!(
            "{} notes, {} of them obsolete; {} links; {} waiting for a vector\nfile: {} ({} bytes)\n",
            store.entries,
            store.obsolete,
            store.links,
            store.pending,
            rekall.path().display(),
            store.file_bytes
        );
        for (facet, what) in [(Facet::Project, "projects"), (Facet::Kind, "kinds"), (Facet::Tag, "tags")] {
            let values = rekall.facets(facet, Filter::new(), NAMES)?;
            if !values.is_empty() {
                let values: Vec<_> =
                    values.into_iter().map(|value| format!("{} ({})", value.name, value.entries)).collect();
                text += &format!("{what}: {}\n", values.join(", "));
            }
        }
        let model = stats.model.as_deref().unwrap_or("not loaded");
        Ok(text + &format!("model in memory: {model}\n"))
    }
}
