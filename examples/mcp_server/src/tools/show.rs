//! show: one note, whole.

use rekall::{CancelToken, Context, Entry, Rekall};
use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::{Answer, MaxTokens};
use super::{Effect, Tool};
use crate::arguments::{Count, Id};
use crate::date::day;
use crate::failure::Failure;
use crate::{note, tokens};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Show {
    /// Id of the note.
    id: Id,
    /// The character of the content to begin with, for what did not fit into the answer before. Default 0.
    start: Option<Count<0, 4_194_304>>,
    /// The longest answer, in tokens. Default 2000.
    max_tokens: Option<MaxTokens>,
}

impl Tool for Show {
    const NAME: &'static str = "show";
    const TITLE: &'static str = "Show a note";
    const DESCRIPTION: &'static str = "\
Shows one note: its whole content, when it was made, what it is linked to. A long one comes in parts: the answer says \
with which start the next part begins.";
    const EFFECT: Effect = Effect::Reads;

    fn call(self, rekall: &Rekall, _cancel: &CancelToken) -> Result<String, Failure> {
        let entry = rekall.get(self.id.get())?;
        let mut answer = Answer::new(self.max_tokens);
        answer.add(&note::heading(&entry, Some(format!("made {}", day(entry.created_at)))));
        let start = self.start.map_or(0, Count::get);
        if start == 0 {
            for line in links(rekall, &entry)?.into_iter().chain(context(&entry)) {
                if !answer.add(&line) {
                    break;
                }
            }
        }
        let skipped = entry.content.char_indices().nth(start).map_or(entry.content.len(), |(at, _)| at);
        let rest = &entry.content[skipped..];
        // Moving it in costs a little for each line.
        let room = answer.left().saturating_sub(rest.lines().take(answer.left()).count());
        let end = tokens::fitting(rest, room);
        answer.add(&format!("\n{}", note::indented(&rest[..end])));
        if end == rest.len() {
            return Ok(answer.end(""));
        }
        let (next, all) = (start + rest[..end].chars().count(), entry.content.chars().count());
        Ok(answer
            .end(&format!("\n(characters {start} to {next} of {all}: call show with start={next} for more)")))
    }
}

/// One line for each link.
fn links(rekall: &Rekall, entry: &Entry) -> Result<Vec<String>, Failure> {
    let links = rekall.links(entry.id)?;
    let others: Vec<_> =
        links.iter().map(|link| if link.source == entry.id { link.target } else { link.source }).collect();
    let titles = rekall.get_many(&others)?;
    let lines = links.iter().zip(others).zip(titles).map(|((link, other), title)| {
        let title = title
            .map_or_else(|| "(forgotten meanwhile)".to_owned(), |note| tokens::cut(note.title.trim(), 60));
        let (relation, id) = (link.relation.as_str(), entry.id);
        let reason = link.reason.as_ref().map(|reason| format!(" ({})", tokens::cut(reason, 100)));
        let reason = reason.unwrap_or_default();
        if link.source == id {
            format!("link: {relation} {other}: {title}{reason}\n")
        } else {
            format!("link: {other} {relation} this: {title}{reason}\n")
        }
    });
    Ok(lines.collect())
}

/// One line for each part of the context.
fn context(entry: &Entry) -> Vec<String> {
    let Some(context) = &entry.context else { return Vec::new() };
    let Context { situation, solution, what_failed, trigger_keywords, error_messages, files, text } = context;
    let texts =
        [("situation", situation), ("solution", solution), ("what failed", what_failed), ("context", text)];
    let lists = [("keywords", trigger_keywords), ("errors", error_messages), ("files", files)];
    let texts = texts.into_iter().filter_map(|(name, text)| Some((name, text.clone()?)));
    let lists =
        lists.into_iter().filter(|(_, list)| !list.is_empty()).map(|(name, list)| (name, list.join(", ")));
    texts.chain(lists).map(|(name, value)| format!("{name}: {value}\n")).collect()
}
