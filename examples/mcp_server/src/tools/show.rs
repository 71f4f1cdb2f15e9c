//! show: one note, whole.

use rekall::{CancelToken, Context, Entry, Rekall};
use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::{Answer, MaxTokens};
use super::{Effect, Tool};
use crate::arguments::{Count, Id};
use crate::date::day;
use crate::failure::Failure;
use crate::memory::Opened;
use crate::{note, tokens};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Show {
    /// Id of the note.
    id: Id,
    /// The character of the text to begin with, for what did not fit into the answer before. Default 0.
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

    fn call(self, rekall: &Opened, _cancel: &CancelToken) -> Result<String, Failure> {
        let entry = rekall.get(self.id.get())?;
        let mut answer = Answer::new(self.max_tokens);
        // Half of the answer at least is the text's.
        let room = (answer.left() / 2).min(note::HEADING);
        answer.add(&note::heading(&entry, Some(format!("made {}", day(entry.created_at))), room));
        let start = self.start.map_or(0, Count::get);
        if start == 0 {
            let room = answer.left() / 3;
            answer.add(&links(rekall, &entry, room)?);
        }
        let text = [&[entry.content.trim_end().to_owned()], &context(&entry)[..]].concat().join("\n");
        let all = text.chars().count();
        let begin = text.char_indices().nth(start).map_or(text.len(), |(at, _)| at);
        let rest = &text[begin..];
        // Two tokens for the ends of lines around it.
        let end = tokens::fitting_after(rest, answer.left().saturating_sub(2), note::INDENT);
        answer.add(&format!("\n{}", note::indented(&rest[..end])));
        let next = start + rest[..end].chars().count();
        Ok(answer.end(&match (start, end == rest.len()) {
            (0, true) => String::new(),
            (_, true) if rest.is_empty() => format!("\n(the text has {all} characters: there is no more)"),
            (_, true) => format!("\n(characters {start} to {all}: the end)"),
            (_, false) => {
                format!("\n(characters {start} to {next} of {all}: call show with start={next} for more)")
            }
        }))
    }
}

/// One line for each link, as many as there is room for.
fn links(rekall: &Rekall, entry: &Entry, room: usize) -> Result<String, Failure> {
    let lines = link_lines(rekall, entry)?;
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        // Room for the line that says what is missing.
        if tokens::estimate(&text) + tokens::estimate(line) + MISSING > room {
            let missing = lines.len() - number;
            let plural = if missing == 1 { "link" } else { "links" };
            return Ok(format!("{text}({missing} more {plural}: raise max_tokens)\n"));
        }
        text += line;
    }
    Ok(text)
}

/// Tokens of the line that says how many links are missing.
const MISSING: usize = 12;

fn link_lines(rekall: &Rekall, entry: &Entry) -> Result<Vec<String>, Failure> {
    let links = rekall.links(entry.id)?;
    let others: Vec<_> =
        links.iter().map(|link| if link.source == entry.id { link.target } else { link.source }).collect();
    let titles = rekall.get_many(&others)?;
    let lines = links.iter().zip(others).zip(titles).map(|((link, other), title)| {
        let title =
            title.map_or_else(|| "(forgotten meanwhile)".to_owned(), |other| note::line(&other.title, 60));
        let (relation, id) = (note::line(link.relation.as_str(), 30), entry.id);
        let reason = link.reason.as_ref().map(|reason| format!(" ({})", note::line(reason, 100)));
        let reason = reason.unwrap_or_default();
        if link.source == id {
            format!("link: {relation} {other}: {title}{reason}\n")
        } else {
            format!("link: {other} {relation} this: {title}{reason}\n")
        }
    });
    Ok(lines.collect())
}

/// One paragraph for each part of the context, after the content.
fn context(entry: &Entry) -> Vec<String> {
    let Some(context) = &entry.context else { return Vec::new() };
    let Context { situation, solution, what_failed, trigger_keywords, error_messages, files, text } = context;
    let texts =
        [("situation", situation), ("solution", solution), ("what failed", what_failed), ("context", text)];
    let lists = [("keywords", trigger_keywords), ("errors", error_messages), ("files", files)];
    let texts = texts.into_iter().filter_map(|(name, text)| Some((name, text.clone()?)));
    let lists =
        lists.into_iter().filter(|(_, list)| !list.is_empty()).map(|(name, list)| (name, list.join(", ")));
    texts.chain(lists).map(|(name, value)| format!("\n{name}: {value}")).collect()
}
