//! recent: the newest notes.

use std::time::{SystemTime, UNIX_EPOCH};

use rekall::{CancelToken, NewestBy};
use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::{Answer, MaxTokens};
use super::wanted::{self, Name, Tags};
use super::{Effect, Tool};
use crate::arguments::Count;
use crate::failure::Failure;
use crate::memory::Opened;
use crate::note;

/// Notes when it is not said how many.
const LIMIT: usize = 10;

/// Tokens of a note's beginning.
const BEGINNING: usize = 60;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Recent {
    /// The most notes wanted. Default 10.
    limit: Option<Count<1, 100>>,
    /// Only notes of the last so many days.
    days: Option<Count<1, 3_650>>,
    /// The time that counts: changed (the default) or created.
    by: Option<By>,
    /// Only notes of this project.
    project: Option<Name>,
    /// Only notes of this kind.
    kind: Option<Name>,
    /// Only notes that have all of these tags.
    tags: Option<Tags>,
    /// True: also notes that no longer hold.
    include_obsolete: Option<bool>,
    /// The longest answer, in tokens. Default 2000.
    max_tokens: Option<MaxTokens>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum By {
    Changed,
    Created,
}

impl Tool for Recent {
    const NAME: &'static str = "recent";
    const TITLE: &'static str = "List the newest notes";
    const DESCRIPTION: &'static str = "\
Lists the newest notes, the newest first, each with its id, source and beginning. For what happened lately, or to take \
up work where it was left. To find notes about something call recall instead.";
    const EFFECT: Effect = Effect::Reads;

    fn call(self, rekall: &Opened, _cancel: &CancelToken) -> Result<String, Failure> {
        let by = self.by.unwrap_or(By::Changed);
        let mut filter = wanted::filter(self.project, self.kind, self.tags, self.include_obsolete);
        if let Some(days) = self.days {
            let begin = days_ago(days.get());
            filter = match by {
                By::Created => filter.created_after(begin),
                By::Changed => filter.updated_after(begin),
            };
        }
        let by = match by {
            By::Created => NewestBy::Created,
            By::Changed => NewestBy::Updated,
        };
        let page = rekall.list_newest(&filter, by, None, self.limit.map_or(LIMIT, Count::get))?;
        if page.entries.is_empty() {
            return Ok("No such notes. stats says what the memory holds.".to_owned());
        }
        let mut answer = Answer::new(self.max_tokens);
        let mut shown = 0;
        for entry in &page.entries {
            let room = answer.left().saturating_sub(BEGINNING + 2).min(note::HEADING);
            if room < note::LEAST {
                break;
            }
            let (heading, beginning) = (note::heading(entry, None, room), note::beginning(entry, BEGINNING));
            if !answer.add(&format!("- {heading}{beginning}\n")) {
                break;
            }
            shown += 1;
        }
        match page.entries.len() - shown {
            0 => Ok(answer.end("")),
            more => {
                Ok(answer
                    .end(&format!("{more} more notes did not fit: raise max_tokens, or narrow the list.")))
            }
        }
    }
}

/// Milliseconds since 1970.
fn days_ago(days: usize) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    i64::try_from(now).unwrap_or(i64::MAX) - days as i64 * 86_400_000
}
