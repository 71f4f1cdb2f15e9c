//! Notes of which twenty became one: is a part of a long note found, and shown?

use std::ops::Range;

use rekall::{Entry, EntryId, Hit, Mode, NewEntry};

use super::notes::Note;
use super::phrases::is_telling;
use super::random::Random;
use super::texts::Texts;
use crate::judged::Failure;
use crate::memory::{MODES, Memory, Model, found};

/// Notes joined into one.
const PARTS: usize = 20;

/// Joined notes at most; only half of all notes are joined.
const JOINED: usize = 3;

/// Shorter notes say too little without their titles, in bytes.
const SHORTEST: usize = 200;

/// How far a note is looked for.
const DEPTH: usize = 1_000;

/// Encloses a word that a snippet marks; no text has it.
const MARK: &str = "\u{2}";

/// How the notes are found by titles that are not written in them.
pub(crate) struct Joined {
    pub(crate) titles: usize,
    pub(crate) notes: usize,
    pub(crate) modes: Vec<(&'static str, Ranks)>,
}

/// Of one mode.
pub(crate) struct Ranks {
    /// Median rank of a note by its title, with the note as one of all.
    pub(crate) alone: usize,
    /// The same with the note as a part of a joined one.
    pub(crate) joined: usize,
    /// How often the note, as one of all, comes before the other notes that become parts of the same one: nothing
    /// better can be shown of the joined note, unless by chance.
    pub(crate) first_part: usize,
    /// How often what is shown of the joined note lies in the right part.
    pub(crate) shown: usize,
}

/// A note that was made of others.
struct Parts {
    content: String,
    parts: Vec<(usize, Range<usize>)>,
}

/// `None` if there are too few notes of this kind.
pub(super) fn measure(texts: &Texts<'_>, model: &Model, seed: u64) -> Result<Option<Joined>, Failure> {
    let notes = texts.notes;
    let mut suitable: Vec<usize> = (0..notes.len()).filter(|&number| is_suitable(texts, number)).collect();
    Random::new(seed, "joined").shuffle(&mut suitable);
    let groups: Vec<&[usize]> =
        suitable.chunks_exact(PARTS).take(JOINED.min(notes.len() / PARTS / 2)).collect();
    if groups.is_empty() {
        return Ok(None);
    }
    let chosen = groups.concat();
    let joined: Vec<Parts> = groups.into_iter().map(|group| join(notes, group)).collect();
    let rest = || (0..notes.len()).filter(|number| !chosen.contains(number)).map(|at| &notes[at]);
    let whole = |note: &Note| NewEntry::new(&note.title).content(&note.content);

    let untitled = |(place, content): (usize, &str)| NewEntry::new(format!("Note {place}")).content(content);
    let contents = chosen.iter().map(|&number| notes[number].content.as_str()).enumerate();
    let alone: Vec<NewEntry> = contents.map(untitled).chain(rest().map(whole)).collect();
    let contents = joined.iter().map(|note| note.content.as_str()).enumerate();
    let together: Vec<NewEntry> = contents.map(untitled).chain(rest().map(whole)).collect();
    let (alone, together) = (Memory::new(model, &alone)?, Memory::new(model, &together)?);

    let mut modes = Vec::new();
    for (name, mode) in MODES {
        let (mut ranks_alone, mut ranks, mut first_part, mut shown) = (Vec::new(), Vec::new(), 0, 0);
        for (place, &number) in chosen.iter().enumerate() {
            let (title, group) = (&notes[number].title, place / PARTS);
            let hits = hits(&alone, mode, title)?;
            ranks_alone.push(rank(&hits, alone.ids[place]));
            let parts = &alone.ids[group * PARTS..(group + 1) * PARTS];
            let first = hits.iter().find(|hit| parts.contains(&hit.entry.id));
            first_part += usize::from(first.is_some_and(|hit| hit.entry.id == alone.ids[place]));

            let hits = self::hits(&together, mode, title)?;
            ranks.push(rank(&hits, together.ids[group]));
            let right = joined[group].parts.iter().find(|(part, _)| *part == number).map(|(_, range)| range);
            let hit = hits.iter().find(|hit| hit.entry.id == together.ids[group]);
            shown += usize::from(hit.zip(right).is_some_and(|(hit, right)| shows(hit, right)));
        }
        modes.push((name, Ranks { alone: median(ranks_alone), joined: median(ranks), first_part, shown }));
    }
    Ok(Some(Joined { titles: chosen.len(), notes: together.ids.len(), modes }))
}

/// Long enough, without headings of its own, and with a title that says something and is its own.
fn is_suitable(texts: &Texts<'_>, number: usize) -> bool {
    let note = &texts.notes[number];
    note.content.len() >= SHORTEST
        && is_telling(&note.title)
        && !note.content.lines().any(|line| line.starts_with('#'))
        && texts.titled(&note.title).is_some_and(|titled| titled.len() == 1)
}

fn join(notes: &[Note], group: &[usize]) -> Parts {
    let (mut content, mut parts) = (String::new(), Vec::new());
    for &number in group {
        let start = content.len();
        content.push_str(&notes[number].content);
        parts.push((number, start..content.len()));
        content.push_str("\n\n");
    }
    Parts { content, parts }
}

fn hits(memory: &Memory, mode: Mode, query: &str) -> Result<Vec<Hit>, Failure> {
    let search = memory.rekall.recall(query).mode(mode).limit(DEPTH).snippets(MARK, MARK);
    Ok(found(search)?.into_iter().flatten().collect())
}

/// The place of an entry among the hits, from 1; one more than were looked at if it is not there.
fn rank(hits: &[Hit], wanted: EntryId) -> usize {
    hits.iter().position(|hit| hit.entry.id == wanted).map_or(DEPTH + 1, |place| place + 1)
}

fn median(mut ranks: Vec<usize>) -> usize {
    ranks.sort_unstable();
    ranks[ranks.len() / 2]
}

/// Whether most of what is shown of a hit, its snippet or else its passage, lies in this part of its content.
fn shows(hit: &Hit, right: &Range<usize>) -> bool {
    let shown = match &hit.snippet {
        Some(snippet) => place_of(snippet, &hit.entry),
        None => hit.passage().and_then(|passage| passage.content),
    };
    let Some(shown) = shown else { return false };
    let common = shown.end.min(right.end).saturating_sub(shown.start.max(right.start));
    2 * common > shown.len()
}

/// Where a snippet stands in the content.
fn place_of(snippet: &str, entry: &Entry) -> Option<Range<usize>> {
    let snippet = snippet.replace(MARK, "");
    let longest = snippet.split('…').max_by_key(|piece| piece.len())?;
    // White space may be written otherwise in a snippet: compared is the rest.
    let wanted: String = longest.split_whitespace().collect();
    let places: Vec<usize> =
        entry.content.char_indices().filter(|(_, mark)| !mark.is_whitespace()).map(|(at, _)| at).collect();
    let dense: String = entry.content.split_whitespace().collect();
    let start = dense.find(&wanted)?;
    let first = dense[..start].chars().count();
    let last = first + wanted.chars().count().checked_sub(1)?;
    Some(*places.get(first)?..*places.get(last)? + 1)
}
