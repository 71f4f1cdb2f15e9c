//! remember: a new note.

use rekall::{Batch, CancelToken, EntryId, NewEntry, Rekall};
use schemars::JsonSchema;
use serde::Deserialize;

use super::wanted::{self, Name, Tags};
use super::{Effect, Tool};
use crate::arguments::{Id, Text};
use crate::failure::Failure;
use crate::note;
use crate::tokens;

/// Similar notes that are named.
const SIMILAR: usize = 3;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Remember {
    /// One sentence that says what the note is about, understandable without this conversation.
    title: Text<300>,
    /// The rest: reasons, steps, commands, numbers. Markdown.
    content: Option<Text<100_000>>,
    /// bug, decision, pattern, pitfall, config, reference, preference or another word. Default note.
    kind: Option<Name>,
    /// The project it belongs to. Leave it out for what holds everywhere.
    project: Option<Name>,
    /// Words to filter by.
    tags: Option<Tags>,
    /// Where it comes from: a file with its line, an address, "said by the user".
    source: Option<Text<2_000>>,
    /// Id of an older note that this one replaces: recall leaves that out from now on.
    replaces: Option<Id>,
}

impl Tool for Remember {
    const NAME: &'static str = "remember";
    const TITLE: &'static str = "Remember a note";
    const DESCRIPTION: &'static str = "\
Stores one note and returns its id. For what will be useful in later conversations: decisions with their reasons, bugs \
with their fixes, preferences of the user, pitfalls, where things are. One note for one thing. The answer names notes \
that are much alike: if one of them says the same, keep one (update it, forget the other). Never store secrets.";
    const EFFECT: Effect = Effect::Adds;

    fn call(self, rekall: &Rekall, cancel: &CancelToken) -> Result<String, Failure> {
        let id = rekall.new_id()?;
        let mut entry = NewEntry::new(self.title.into_string()).tags(wanted::names(self.tags));
        if let Some(content) = self.content {
            entry = entry.content(content.into_string());
        }
        if let Some(kind) = self.kind {
            entry = entry.kind(kind.into_string());
        }
        entry.project = self.project.map(Text::into_string);
        entry.metadata.extend(self.source.map(|source| note::source_value(source.into_string())));
        let mut batch = Batch::new();
        batch.remember(id, entry);
        if let Some(old) = self.replaces {
            batch.supersede_entry(old.get(), id);
        }
        rekall.apply(&batch).cancel(cancel).run()?;
        let mut text = format!("Remembered with id {id}.\n");
        if let Some(old) = self.replaces {
            text += &format!("It replaces {}, which recall leaves out from now on.\n", old.get());
        }
        Ok(text + &similar(rekall, id))
    }
}

/// Names notes that are much like the new one. The note is stored: what goes wrong here is no failure of the call.
fn similar(rekall: &Rekall, id: EntryId) -> String {
    let found = match rekall.similar_to(id).limit(SIMILAR).run() {
        Ok(found) => found,
        Err(error) => {
            tracing::debug!(%id, %error, "no similar notes");
            return String::new();
        }
    };
    if found.is_empty() {
        return String::new();
    }
    let mut text = "Much alike, and perhaps the same:\n".to_owned();
    for hit in &found {
        let title = tokens::cut(hit.entry.title.trim(), 60);
        text += &format!("- {title} (id {}, {})\n", hit.entry.id, note::matched(hit));
    }
    text
}
