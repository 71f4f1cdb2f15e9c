//! A test made from notes alone: it asks for what stands in one or two of them.

mod exact;
mod joined;
mod markdown;
mod notes;
mod phrases;
mod random;
mod report;
mod sections;
mod strings;
mod texts;

use rekall::NewEntry;

use crate::judged::Failure;
use crate::memory::{MODES, Memory, Model, found};
use exact::Exact;
pub(crate) use notes::{Note, read as read_notes};
use report::{Miss, Results};
use texts::Texts;

/// Something that was written, and where.
struct Item {
    kind: String,
    /// What is searched.
    query: String,
    /// What is written.
    string: String,
    /// The notes, by number, in which it stands.
    right: Vec<usize>,
}

impl Item {
    /// Searched as it is written.
    fn of(kind: &str, string: &str, right: Vec<usize>) -> Self {
        Self { kind: kind.to_owned(), query: string.to_owned(), string: string.to_owned(), right }
    }
}

/// Remembers the notes and asks for each item in each mode, with the default options.
pub(crate) fn measure(notes: &[Note], model: &Model, seed: u64) -> Result<Results, Failure> {
    let texts = Texts::new(notes);
    let mut items = strings::items(&texts, seed)?;
    items.extend(phrases::items(&texts, seed));
    items.extend(phrases::titles(&texts, seed));
    if items.is_empty() {
        return Err("the notes hold nothing that stands in one or two of them".into());
    }
    let exact = Exact::new(&texts)?;
    let entries: Vec<NewEntry> =
        notes.iter().map(|note| NewEntry::new(&note.title).content(&note.content)).collect();
    let memory = Memory::new(model, &entries)?;
    let mut results = Results::new(notes.len(), seed);
    for item in &items {
        let is_right = |note: Option<usize>| note.is_some_and(|note| item.right.contains(&note));
        let row = results.row(&item.kind);
        row.of += 1;
        let (scan, phrase) = (is_right(exact.scan(&item.string)), is_right(exact.phrase(&item.string)?));
        row.scan += usize::from(scan);
        row.phrase += usize::from(phrase);
        for (place, (name, mode)) in MODES.into_iter().enumerate() {
            let hits = found(memory.rekall.recall(&item.query).mode(mode))?;
            let first = hits.and_then(|hits| hits.first().map(|hit| hit.entry.id));
            let note = first.and_then(|id| memory.ids.iter().position(|known| *known == id));
            row.modes[place] += usize::from(is_right(note));
            if name == "hybrid" && !is_right(note) {
                let title = |note: usize| notes[note].title.clone();
                row.misses.push(Miss {
                    query: item.query.clone(),
                    right: item.right.iter().copied().map(title).collect(),
                    first: note.map(title),
                });
            }
        }
    }
    drop(memory);
    results.joined = joined::measure(&texts, model, seed)?;
    Ok(results)
}
