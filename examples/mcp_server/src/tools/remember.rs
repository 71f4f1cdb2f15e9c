//! remember: a new note.

use rekall::{Batch, CancelToken, Entry, EntryId, Error, NewEntry, Rekall};
use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::Answer;
use super::wanted::{self, Name, Tags};
use super::{Effect, Tool};
use crate::arguments::{Id, Text};
use crate::failure::Failure;
use crate::memory::Opened;
use crate::{differing, note, origin};

/// Similar notes that are named.
const SIMILAR: usize = 3;

/// What a similarity may lose when it is worked out in another way.
const ROUNDING: f32 = 1e-4;

/// Places named where two notes differ, and tokens of what either says there.
const DIFFERENCES: usize = 3;
const DIFFERENCE: usize = 16;

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
that are much alike, and where they say nearly the same the words that differ: if one of them says the same, keep one \
(update it, forget the other). Never store secrets.";
    const EFFECT: Effect = Effect::Adds;

    fn call(self, rekall: &Opened, cancel: &CancelToken) -> Result<String, Failure> {
        let id = rekall.new_id()?;
        let mut entry = NewEntry::new(self.title.into_string()).tags(wanted::names(self.tags));
        if let Some(content) = self.content {
            entry = entry.content(content.into_string());
        }
        if let Some(kind) = self.kind {
            entry = entry.kind(kind.into_string());
        }
        entry.project = self.project.map(Text::into_string);
        let source = self.source.map(|source| (origin::SAID.to_owned(), source.into_string().into()));
        entry.metadata.extend(source);
        let mut batch = Batch::new();
        batch.remember(id, entry);
        if let Some(old) = self.replaces {
            batch.supersede_entry(old.get(), id);
        }
        rekall.apply(&batch).cancel(cancel).run()?;
        let mut answer = Answer::new(None);
        answer.add(&format!("Remembered with id {id}.\n"));
        if let Some(old) = self.replaces {
            answer.add(&format!("It replaces {}, which recall leaves out from now on.\n", old.get()));
        }
        // The note is stored: what goes wrong here is no failure of the call.
        match alike(rekall, id) {
            Ok(lines) if lines.is_empty() => {}
            Ok(lines) => {
                answer.add("Much alike, and perhaps the same:\n");
                for line in &lines {
                    // So few are named that they fit.
                    answer.add(line);
                }
            }
            Err(error) => tracing::debug!(%id, %error, "no similar notes"),
        }
        Ok(answer.end(""))
    }
}

/// A line for each of the notes that are most like the new one; where they say nearly the same, with the words in which they
/// differ.
fn alike(rekall: &Rekall, id: EntryId) -> Result<Vec<String>, Error> {
    let similar = rekall.similar_to(id).limit(SIMILAR).run()?;
    let similarities = similar.iter().filter_map(|hit| hit.similarity);
    let Some(least) = similarities.reduce(f32::min) else { return Ok(Vec::new()) };
    // Those that are as much like it as a whole are compared word by word: not many more than were found.
    let near = rekall.near_duplicates(id, (least - ROUNDING).max(-1.0))?;
    let new = rekall.get(id)?;
    let lines = similar.iter().map(|hit| {
        let old = &hit.entry;
        let near = near.iter().find(|near| near.id == old.id);
        let pieces = near.map(|near| differing::pieces(&new, old, &near.differences));
        let difference = pieces.filter(|pieces| say_nearly_the_same(&new, old, pieces));
        let difference = difference.map(|pieces| format!(": {}", told(&pieces))).unwrap_or_default();
        format!("- {} (id {}, {}){difference}\n", note::line(&old.title, 60), old.id, note::matched(hit))
    });
    Ok(lines.collect())
}

/// Whether most of what either note says is said by the other one, too: then the differences are worth reading.
fn say_nearly_the_same(new: &Entry, old: &Entry, pieces: &[(String, String)]) -> bool {
    let letters = |text: &str| text.chars().filter(|character| !character.is_whitespace()).count();
    let whole = |entry: &Entry| letters(&entry.title) + letters(&entry.content);
    let differ = |piece: fn(&(String, String)) -> &String| {
        pieces.iter().map(|both| letters(piece(both))).sum::<usize>()
    };
    differ(|(new, _)| new) * 2 <= whole(new) && differ(|(_, old)| old) * 2 <= whole(old)
}

/// Where the new note and an old one differ.
fn told(pieces: &[(String, String)]) -> String {
    if pieces.is_empty() {
        return "word for word the same".to_owned();
    }
    let quoted = |piece: &str| match piece {
        "" => "nothing".to_owned(),
        words => format!("{:?}", note::line(words, DIFFERENCE)),
    };
    let said = pieces
        .iter()
        .take(DIFFERENCES)
        .map(|(new, old)| format!("{} here, {} there", quoted(new), quoted(old)));
    let more = pieces.len().saturating_sub(DIFFERENCES);
    let more = (more > 0).then(|| format!("{more} more differences"));
    format!("it says {}", said.chain(more).collect::<Vec<_>>().join("; "))
}
