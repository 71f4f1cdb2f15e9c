//! forget: removing notes.

use rekall::CancelToken;
use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::Answer;
use super::{Effect, Tool};
use crate::arguments::{Id, List};
use crate::failure::Failure;
use crate::memory::Opened;
use crate::note;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Forget {
    /// Ids of the notes.
    ids: List<Id, 1, 20>,
}

impl Tool for Forget {
    const NAME: &'static str = "forget";
    const TITLE: &'static str = "Forget notes";
    const DESCRIPTION: &'static str = "\
Removes notes with their links, for good. Only when the user asks for it, or for a note that says the same as another \
one. What is merely out of date is better made obsolete with update.";
    const EFFECT: Effect = Effect::Changes;

    fn call(self, rekall: &Opened, _cancel: &CancelToken) -> Result<String, Failure> {
        let ids: Vec<_> = self.ids.into_vec().into_iter().map(Id::get).collect();
        let known = rekall.get_many(&ids)?;
        let forgotten = rekall.forget_many(&ids)?;
        if let (true, Some(id)) = (forgotten.is_empty(), ids.first()) {
            // Says that there is no such note.
            rekall.get(*id)?;
        }
        // Twenty titles always fit.
        let mut answer = Answer::new(None);
        answer.add("Forgotten:\n");
        for entry in known.iter().flatten().filter(|entry| forgotten.contains(&entry.id)) {
            answer.add(&format!("- {} (id {})\n", note::line(&entry.title, 60), entry.id));
        }
        for id in ids.iter().filter(|id| !forgotten.contains(id)) {
            answer.add(&format!("There is no note with id {id}.\n"));
        }
        Ok(answer.end(""))
    }
}
