//! Tests of the index as a whole.

mod damage;
mod merging;
mod model;
mod naive;
mod ranking;
mod size;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::*;
use crate::words::query::{Form, Phrase, PhraseKind, Word};

/// Pages in memory.
#[derive(Debug, Clone, Default)]
struct MemoryPages(BTreeMap<Vec<u8>, Page>);

impl FromIterator<Page> for MemoryPages {
    fn from_iter<I: IntoIterator<Item = Page>>(pages: I) -> Self {
        Self(pages.into_iter().map(|page| (page.first_term.to_vec(), page)).collect())
    }
}

impl Pages for MemoryPages {
    fn page_at(&self, term: &[u8]) -> Result<Option<Page>, IndexError> {
        Ok(self
            .0
            .range::<[u8], _>((Bound::Unbounded, Bound::Included(term)))
            .next_back()
            .map(|(_, page)| page.clone()))
    }

    fn page_after(&self, term: &[u8]) -> Result<Option<Page>, IndexError> {
        Ok(self
            .0
            .range::<[u8], _>((Bound::Excluded(term), Bound::Unbounded))
            .next()
            .map(|(_, page)| page.clone()))
    }
}

/// A segment that has gone through its encoding.
fn segment_of(builder: &Builder) -> (Arc<Docs>, MemoryPages) {
    let (docs, pages) = builder.build();
    let decoded = Docs::decode(&docs.encode()).unwrap();
    assert_eq!(decoded, docs);
    (Arc::new(decoded), pages.into_iter().collect())
}

/// Adds a passage of words with white space between them, all of weight 1.
fn add_text(builder: &mut Builder, row: i64, text: &str) {
    builder.start_passage(PassageKey { row, role: 0, number: 0 });
    for (term, position) in text.split_whitespace().zip(0..) {
        builder.add(Token { term, position, joined: false, weight: 1, main: true });
    }
}

fn word(term: &str) -> Word {
    let form = Form { term: term.to_owned(), prefix: false };
    Word { text: term.to_owned(), forms: vec![form], weight: 1.0 }
}

fn phrase(words: impl IntoIterator<Item = usize>, kind: PhraseKind, weight: f32) -> Phrase {
    Phrase {
        words: words.into_iter().collect(),
        joined: kind == PhraseKind::Written,
        kind,
        required: false,
        weight,
    }
}

/// Words of a query, and each pair of them that stands side by side.
fn running_text(text: &str) -> (Vec<Word>, Vec<Phrase>) {
    let words: Vec<Word> = text.split_whitespace().map(word).collect();
    let pairs =
        (1..words.len()).map(|second| phrase([second - 1, second], PhraseKind::Adjacent, 0.3)).collect();
    (words, pairs)
}

fn find(sources: &[&dyn Source], words: &[Word], phrases: &[Phrase], limit: usize) -> Vec<WordHit> {
    let request = Request { words, phrases, admitted: &|_| true, limit, cancel: None };
    search(sources, &request, &mut Scratch::default()).unwrap()
}
