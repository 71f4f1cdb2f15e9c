//! link: how two notes belong together.

use rekall::{CancelToken, Relation};
use schemars::JsonSchema;
use serde::Deserialize;

use super::wanted::Name;
use super::{Effect, Tool};
use crate::arguments::{Id, Text};
use crate::failure::Failure;
use crate::memory::Opened;
use crate::note;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    /// Id of the note where the link starts.
    from: Id,
    /// Id of the note where it points.
    to: Id,
    /// related, derived_from, contradicts, solves or another word, read as "from RELATION to". Default related.
    relation: Option<Name>,
    /// Why, in a sentence.
    reason: Option<Text<2_000>>,
    /// True: remove this link instead.
    remove: Option<bool>,
}

impl Tool for Link {
    const NAME: &'static str = "link";
    const TITLE: &'static str = "Link two notes";
    const DESCRIPTION: &'static str = "\
Says how two notes belong together, so that show on one leads to the other. Calling it again with the same relation \
sets the reason. When one note takes the place of another use replaces of remember, or replaced_by of update, instead.";
    const EFFECT: Effect = Effect::Changes;

    fn call(self, rekall: &Opened, _cancel: &CancelToken) -> Result<String, Failure> {
        let (from, to) = (self.from.get(), self.to.get());
        let relation = self.relation.map_or(Relation::RELATED.to_owned(), Text::into_string);
        let named = note::line(&relation, 100);
        if self.remove == Some(true) {
            let removed = rekall.unlink(from, to, relation.as_str())?;
            let text = if removed { "Removed the link" } else { "There was no such link" };
            return Ok(format!("{text}: {from} {named} {to}."));
        }
        rekall.link(from, to, relation.as_str(), self.reason.as_ref().map(Text::as_str))?;
        Ok(format!("Linked: {from} {named} {to}."))
    }
}
