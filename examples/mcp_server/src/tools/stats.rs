//! stats: what the memory holds.

use rekall::{CancelToken, Facet, Filter};
use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::Answer;
use super::{Effect, Tool};
use crate::failure::Failure;
use crate::memory::Opened;
use crate::{note, tokens};

/// Names of each sort that are listed.
const NAMES: usize = 15;

/// Tokens of a name, and of a path or model: together less than an answer may have.
const NAME: usize = 16;
const VALUE: usize = 150;

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

    fn call(self, rekall: &Opened, _cancel: &CancelToken) -> Result<String, Failure> {
        let stats = rekall.stats()?;
        let store = &stats.store;
        let mut answer = Answer::new(None);
        answer.add(&format!(
            "{} notes, {} of them obsolete; {} links; {} waiting for a vector\n",
            store.entries, store.obsolete, store.links, store.pending,
        ));
        let path = tokens::cut_front(&rekall.path().display().to_string(), VALUE);
        answer.add(&format!("file: {path} ({} bytes)\n", store.file_bytes));
        if let Some(reason) = &stats.pending_reason {
            answer.add(&format!("why they wait: {}\n", tokens::cut(reason, VALUE)));
        }
        for (facet, what) in [(Facet::Project, "projects"), (Facet::Kind, "kinds"), (Facet::Tag, "tags")] {
            let values = rekall.facets(facet, Filter::new(), NAMES)?;
            if !values.is_empty() {
                let named = values
                    .iter()
                    .map(|value| format!("{} ({})", note::line(&value.name, NAME), value.entries));
                answer.add(&format!("{what}: {}\n", named.collect::<Vec<_>>().join(", ")));
            }
        }
        let model = tokens::cut(stats.model.as_deref().unwrap_or("not loaded"), VALUE);
        answer.add(&format!("model in memory: {model}\n"));
        Ok(answer.end(""))
    }
}
