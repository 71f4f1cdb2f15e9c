//! update: changing a note.

use rekall::{Batch, CancelToken, EntryPatch, Status};
use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::Answer;
use super::wanted::{self, Name, Tags};
use super::{Effect, Tool};
use crate::arguments::{Id, Text};
use crate::failure::Failure;
use crate::memory::Opened;
use crate::note;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Update {
    /// Id of the note.
    id: Id,
    /// The new title.
    title: Option<Text<300>>,
    /// The new content, all of it: it takes the place of the old one.
    content: Option<Text<100_000>>,
    /// The new kind.
    kind: Option<Name>,
    /// The new project.
    project: Option<Name>,
    /// The new tags, all of them; an empty list removes all.
    tags: Option<Tags>,
    /// True: it no longer holds, and recall leaves it out; false: it holds again.
    obsolete: Option<bool>,
    /// Id of the note that takes its place; it becomes obsolete.
    replaced_by: Option<Id>,
}

impl Tool for Update {
    const NAME: &'static str = "update";
    const TITLE: &'static str = "Change a note";
    const DESCRIPTION: &'static str = "\
Changes a note; what is not given stays as it is. Content is replaced as a whole: call show first if you only know an \
excerpt. To retire a note without losing it set obsolete, or replaced_by if another note takes its place.";
    const EFFECT: Effect = Effect::Changes;

    fn call(self, rekall: &Opened, cancel: &CancelToken) -> Result<String, Failure> {
        let (id, replaced_by) = (self.id.get(), self.replaced_by.map(Id::get));
        let is_text = self.title.is_some() || self.content.is_some();
        let patch = self.patch();
        let mut batch = Batch::new();
        if patch != EntryPatch::new() {
            batch.update(id, patch);
        }
        if let Some(new) = replaced_by {
            batch.supersede_entry(id, new);
        }
        if batch.is_empty() {
            let problem = "nothing to change: give at least one of title, content, kind, project, tags, obsolete, \
                           replaced_by";
            return Err(Failure::Arguments(problem.to_owned()));
        }
        rekall.apply(&batch).cancel(cancel).run()?;
        let entry = rekall.get(id)?;
        let mut answer = Answer::new(None);
        answer.add(&format!("Changed. The note is now:\n{}", note::heading(&entry, None, note::HEADING)));
        if is_text && entry.source.is_some() {
            answer.add("It follows that source, which was not changed: when this part of it changes, its text comes back.\n");
        }
        Ok(answer.end(""))
    }
}

impl Update {
    fn patch(self) -> EntryPatch {
        let mut patch = EntryPatch::new();
        patch.title = self.title.map(Text::into_string);
        patch.content = self.content.map(Text::into_string);
        patch.kind = self.kind.map(Text::into_string);
        patch.project = self.project.map(|project| Some(project.into_string()));
        patch.tags = self.tags.map(|tags| wanted::names(Some(tags)).collect());
        patch.status = self.obsolete.map(|obsolete| if obsolete { Status::Obsolete } else { Status::Active });
        patch
    }
}
