//! Passages: parts of a text that have words and vectors of their own.

use super::{Bench, vector};
use crate::{EntryPassages, Filter, NewEntry, Role, TextQuery};

/// The passage that a word is found in is named as its vector is.
pub fn passages_have_vectors_of_their_own(bench: &Bench) {
    let filler = "The weather was mild and nobody said anything of note about it that day. ".repeat(60);
    let entry =
        NewEntry::new("Minutes").content(format!("{filler}\n\nThe kingfisher came back.\n\n{filler}"));
    let written = bench.insert(std::slice::from_ref(&entry))[0];
    let stored = bench.read().get(written.id).unwrap();
    let passages = EntryPassages::of((&stored).into());
    let count = passages.iter().filter(|passage| passage.role == Role::Summary).count();
    assert!(count > 2, "{count} passages");
    let space = bench.write(|tx| {
        let space = tx.ensure_active_space("model", 2)?;
        for number in 0..count {
            tx.insert_vectors(written.row, &[vector(&space, u16::try_from(number).unwrap(), &[1.0, 0.0])])?;
        }
        Ok(space)
    });
    let tx = bench.read();
    let hit = &tx.search_words(&TextQuery::new("kingfisher"), &Filter::new(), 9).unwrap()[0];
    assert_eq!((hit.key.row, hit.key.role), (written.row, Role::Summary.number()));
    let number = usize::from(hit.key.number);
    assert!(number > 0 && number < count, "neither at the beginning nor beyond the end: {number}");
    let holds = passages.iter().filter(|passage| passage.role == Role::Summary).nth(number).unwrap();
    assert!(holds.fields().any(|(_, part)| part.contains("kingfisher")));
    assert_eq!(tx.entries_of_several_passages(space.id, Role::Summary).unwrap(), [written.row]);
}
