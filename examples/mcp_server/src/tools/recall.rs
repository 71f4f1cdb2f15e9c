//! recall: finding notes.

use rekall::{CancelToken, Facet, Filter, Recalled, Rekall};
use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::{Answer, MaxTokens};
use super::wanted::{self, Name, Tags};
use super::{Effect, Tool};
use crate::arguments::{Count, Text};
use crate::failure::Failure;
use crate::memory::Opened;
use crate::{note, tokens};

/// Hits when it is not said how many.
const LIMIT: usize = 8;

/// The least and the most tokens of a note's excerpt.
const EXCERPT: (usize, usize) = (40, 250);

/// Tokens of a reason why a search is not complete.
const REASON: usize = 80;

/// Tokens of a name that a filter may have.
const NAME: usize = 12;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Recall {
    /// What to look for, in plain words: a question, a topic, an error message, a name. Quoted parts and identifiers
    /// (src/main.rs, E0382) are found as they are written.
    query: Text<2_000>,
    /// The most notes wanted. Default 8.
    limit: Option<Count<1, 50>>,
    /// Only notes of this project.
    project: Option<Name>,
    /// Only notes of this kind, such as bug or decision.
    kind: Option<Name>,
    /// Only notes that have all of these tags.
    tags: Option<Tags>,
    /// True: also notes that no longer hold.
    include_obsolete: Option<bool>,
    /// The longest answer, in tokens. Default 2000.
    max_tokens: Option<MaxTokens>,
}

impl Tool for Recall {
    const NAME: &'static str = "recall";
    const TITLE: &'static str = "Search the memory";
    const DESCRIPTION: &'static str = "\
Finds notes by meaning and by words, best first, each with its id, source, how it matched and the passage that fits. \
Call it before answering about anything that may have been noted earlier, and before remembering, so as not to note \
twice. There are always hits if there are notes: with a low similarity (below 0.3) and no matching words they have \
probably nothing to do with the query. Excerpts are cut; show gives the whole note.";
    const EFFECT: Effect = Effect::Reads;

    fn call(self, rekall: &Opened, cancel: &CancelToken) -> Result<String, Failure> {
        let filter = wanted::filter(self.project, self.kind, self.tags, self.include_obsolete);
        let found = rekall
            .recall(self.query.as_str())
            .limit(self.limit.map_or(LIMIT, Count::get))
            .filter(&filter)
            .snippets("", "")
            .rerank(rekall.reranked)
            .cancel(cancel)
            .run()?;
        if found.is_empty() {
            return nothing(rekall, &filter);
        }
        Ok(answer(&found, self.max_tokens))
    }
}

fn answer(found: &Recalled, max_tokens: Option<MaxTokens>) -> String {
    let mut answer = Answer::new(max_tokens);
    for reason in &found.degraded {
        // So short that there is always room for a note.
        let reason = tokens::cut(&reason.to_string(), (answer.left() / 3).min(REASON));
        answer.add(&format!("(not complete: {reason})\n"));
    }
    let mut shown = 0;
    for (at, hit) in found.iter().enumerate() {
        let number = format!("{}. ", at + 1);
        let room = answer.left().saturating_sub(tokens::estimate(&number) + EXCERPT.0 + 1).min(note::HEADING);
        if room < note::LEAST {
            break;
        }
        let heading = note::heading(&hit.entry, Some(note::matched(hit)), room);
        // What is left is shared among the notes to come, so that long ones do not push out all others.
        let share = answer.left() / (found.len() - at);
        let excerpt = note::excerpt(hit, share.clamp(EXCERPT.0, EXCERPT.1));
        if !answer.add(&format!("{number}{heading}{excerpt}\n")) {
            break;
        }
        shown += 1;
    }
    match found.len() - shown {
        0 => answer.end(""),
        more => answer.end(&format!("{more} more notes did not fit: raise max_tokens, or narrow the query.")),
    }
}

/// Says why nothing was found, so that the next call can do better.
fn nothing(rekall: &Rekall, filter: &Filter) -> Result<String, Failure> {
    if rekall.count(filter)? > 0 {
        return Ok("Nothing found: no note holds a word of the query. Try other words.".to_owned());
    }
    if rekall.count(Filter::new().any_status())? == 0 {
        return Ok("The memory is empty: nothing has been remembered yet.".to_owned());
    }
    let mut text = "No note passes project, kind, tags and status.".to_owned();
    for (facet, what) in [(Facet::Project, "Projects"), (Facet::Kind, "Kinds"), (Facet::Tag, "Tags")] {
        let names = rekall.facets(facet, Filter::new(), 10)?;
        if !names.is_empty() {
            let names: Vec<_> = names.into_iter().map(|value| note::line(&value.name, NAME)).collect();
            text += &format!(" {what} there are: {}.", names.join(", "));
        }
    }
    Ok(text)
}
