//! The words of an entry, passage by passage.

use super::StoredText;
use crate::Role;
use crate::passage::{EntryPassage, EntryPassages, PassageField};
use crate::words::index::{Builder, PassageKey, Token};
use crate::words::tokens::{Language, Tokenizer};

/// Positions between two parts of a passage, so that no phrase reaches from one into the next.
const GAP: u32 = 8;

/// What a word counts where it stands.
fn weight(field: PassageField) -> u8 {
    match field {
        PassageField::Title | PassageField::Tag => 2,
        PassageField::Content | PassageField::Context | PassageField::Above => 1,
    }
}

/// Reads entries into a [`Builder`].
pub(super) struct EntryIndexer {
    tokenizer: Tokenizer,
}

impl EntryIndexer {
    pub(super) fn new() -> Self {
        Self { tokenizer: Tokenizer::new() }
    }

    /// Puts an entry's text in the place of what the builder has of it; gives the number of its passages. An entry that is
    /// gone has none.
    pub(super) fn index(&mut self, row: i64, text: Option<&StoredText>, builder: &mut Builder) -> usize {
        match text {
            Some(text) => self.add(row, text, builder),
            None => {
                builder.remove(row);
                0
            }
        }
    }

    fn add(&mut self, row: i64, text: &StoredText, builder: &mut Builder) -> usize {
        let entry = text.as_entry_text();
        let language = text.language();
        let passages = EntryPassages::of(entry);
        // What has no word of its own, as every entry could: an entry that is there has a passage.
        let first = PassageKey { row, role: Role::Summary.number(), number: 0 };
        let mut summary = passages.iter().peekable();
        let begins = summary.next_if(|passage| passage.role == Role::Summary);
        // Also where the builder's last passage is one of the same entry, as it was before.
        builder.remove(row);
        builder.start_passage(first);
        let mut start = 0;
        if let Some(passage) = begins {
            start = self.add_fields(passage, language, start, builder);
        }
        // Of no passage, because a model is not shown them.
        for file in text.files() {
            start = self.add_part(file, PassageField::Context, language, start, builder);
        }
        for passage in summary {
            let EntryPassage { role, number, .. } = passage;
            builder.start_passage(PassageKey { row, role: role.number(), number });
            self.add_fields(passage, language, 0, builder);
        }
        passages.len().max(1)
    }

    fn add_fields(
        &mut self,
        passage: EntryPassage<'_>,
        language: Option<Language>,
        start: u32,
        builder: &mut Builder,
    ) -> u32 {
        passage
            .fields()
            .fold(start, |start, (field, part)| self.add_part(part, field, language, start, builder))
    }

    /// Adds a part at these positions; gives where the next one starts.
    fn add_part(
        &mut self,
        part: &str,
        field: PassageField,
        language: Option<Language>,
        start: u32,
        builder: &mut Builder,
    ) -> u32 {
        let weight = weight(field);
        let mut last = start;
        self.tokenizer.tokenize(part, language, &mut |token| {
            last = start.saturating_add(token.position);
            let (term, joined, main) = (token.term, token.joined, token.main);
            builder.add(Token { term, position: last, joined, weight, main });
        });
        last.saturating_add(GAP)
    }
}
