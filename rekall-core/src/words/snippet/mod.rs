//! The piece of a text around the words that a search found.

mod matches;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use super::query::TextQuery;
use super::tokens::Tokenizer;
use crate::{Entry, EntryText, Error, Role};
use matches::{Found, Matches, Sought};

/// The most words of a snippet.
const MOST_WORDS: usize = 64;

/// Makes snippets for one search: made once, used for each hit.
///
/// ```
/// # use rekall_core::{Snippets, TextQuery};
/// let snippets = Snippets::new(&TextQuery::new("memory"), 4);
/// let text = "The pipeline ran out of memories late last night.";
/// let snippet = snippets.snippet(text, None)?.unwrap();
/// assert_eq!(&text[snippet.range.clone()], "of memories late last");
/// assert_eq!(snippet.marked(text, "[", "]"), "…of [memories] late last…");
/// # Ok::<(), rekall_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Snippets {
    words: usize,
    sought: Sought,
    /// Its stems serve from hit to hit.
    tokenizer: Mutex<Tokenizer>,
}

/// A piece of a text, in bytes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Snippet {
    /// The piece.
    pub range: Range<usize>,
    /// The words and phrases found in it, in order, none over another.
    pub found: Vec<Range<usize>>,
    /// How many different words of the query are in it.
    pub words: usize,
    /// What they and the phrases weigh together.
    worth: f32,
}

impl Snippet {
    /// The piece with `before` and `after` around each word found, and an ellipsis where the text goes on.
    ///
    /// ```
    /// # use rekall_core::{Snippets, TextQuery};
    /// let snippets = Snippets::new(&TextQuery::new("safari"), 3);
    /// let text = "CORS fails on Safari";
    /// let snippet = snippets.snippet(text, None)?.expect("the word is there");
    /// assert!(snippet.marked(text, "[", "]").contains("[Safari]"));
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    #[must_use]
    pub fn marked(&self, text: &str, before: &str, after: &str) -> String {
        let mut marked =
            String::with_capacity(self.range.len() + self.found.len() * (before.len() + after.len()) + 6);
        if self.range.start > 0 {
            marked.push('…');
        }
        let mut at = self.range.start;
        for found in &self.found {
            marked.push_str(&text[at..found.start]);
            marked.push_str(before);
            marked.push_str(&text[found.clone()]);
            marked.push_str(after);
            at = found.end;
        }
        marked.push_str(&text[at..self.range.end]);
        if self.range.end < text.len() {
            marked.push('…');
        }
        marked
    }

    /// The same piece where its text stands so many bytes after the start of another.
    fn moved_by(mut self, bytes: usize) -> Self {
        for range in std::iter::once(&mut self.range).chain(&mut self.found) {
            *range = range.start + bytes..range.end + bytes;
        }
        self
    }
}

impl Snippets {
    /// Snippets of at most `words` words (1 to 64) for what `query` finds. In scripts without spaces two characters count
    /// as a word.
    #[must_use]
    pub fn new(query: &TextQuery, words: usize) -> Self {
        let forms = query.words().iter().flat_map(|word| &word.forms);
        let tokenizer = Tokenizer::looking_for(forms.map(|form| form.term.as_str()));
        Self {
            words: words.clamp(1, MOST_WORDS),
            sought: Sought::of(query),
            tokenizer: Mutex::new(tokenizer),
        }
    }

    /// The best piece of an entry: that with the most different words of the query in it, and with its phrases. `None` when
    /// the entry holds none of them. Cost: some 50 ns a word of the entry.
    ///
    /// # Errors
    /// [`Error::Interrupted`] once the flag is set.
    pub fn of(
        &self,
        entry: &Entry,
        (before, after): (&str, &str),
        cancel: Option<&AtomicBool>,
    ) -> Result<Option<String>, Error> {
        let tags = entry.tags.join(" ");
        let context = entry.context.as_ref();
        let texts = [entry.title.as_str(), &entry.content, &tags]
            .into_iter()
            .chain(context.iter().flat_map(|context| context.parts()).map(String::as_str))
            .map(|text| (text, 0..text.len()));
        let best = self.best_of(texts, cancel)?;
        Ok(best.map(|(text, snippet)| snippet.marked(text, before, after)))
    }

    /// The best piece of one passage of an entry, which stands at `bytes` of the role's text ([`EntryText::role`]). `None`
    /// when the passage itself holds none of the words: title and headings above it do not count. Cost: some 50 ns a word of
    /// the passage, however long the entry is.
    ///
    /// ```
    /// # use rekall_core::{EntryPassages, NewEntry, Snippets, TextQuery};
    /// let cors = "CORS works. ".repeat(25);
    /// let content = format!("{cors}\n# Safari\nIt wants the header. {}", "Nothing else. ".repeat(20));
    /// let entry = NewEntry::new("CORS").content(content);
    /// let passages = EntryPassages::of((&entry).into());
    /// let last = passages.iter().last().expect("an entry has a passage");
    /// let snippets = Snippets::new(&TextQuery::new("cors header"), 8);
    /// let snippet = snippets.of_passage((&entry).into(), last.role, last.bytes(), ("[", "]"), None)?;
    /// assert_eq!(snippet.as_deref(), Some("…It wants the [header]. Nothing else. Nothing else…"));
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Interrupted`] once the flag is set.
    pub fn of_passage(
        &self,
        entry: EntryText<'_>,
        role: Role,
        bytes: Range<usize>,
        (before, after): (&str, &str),
        cancel: Option<&AtomicBool>,
    ) -> Result<Option<String>, Error> {
        let parts = entry.parts(role);
        let mut start = 0;
        let within = parts.iter().map(|part| {
            let end = bytes.end.saturating_sub(start).min(part.len());
            let within = bytes.start.saturating_sub(start)..end;
            start += part.len() + 1;
            (part.as_ref(), within)
        });
        let best = self.best_of(within, cancel)?;
        Ok(best.map(|(text, snippet)| snippet.marked(text, before, after)))
    }

    /// The best piece of several texts, of each of which only a part is looked at. A part that the text does not have is
    /// passed over.
    fn best_of<'t>(
        &self,
        texts: impl Iterator<Item = (&'t str, Range<usize>)>,
        cancel: Option<&AtomicBool>,
    ) -> Result<Option<(&'t str, Snippet)>, Error> {
        let mut best: Option<(&str, Snippet)> = None;
        for (text, within) in texts {
            let Some(part) = text.get(within.clone()) else { continue };
            if let Some(snippet) = self.snippet(part, cancel)?
                && best.as_ref().is_none_or(|(_, best)| snippet.worth > best.worth)
            {
                best = Some((text, snippet.moved_by(within.start)));
            }
        }
        Ok(best)
    }

    /// The best piece of a text.
    ///
    /// ```
    /// # use rekall_core::{Snippets, TextQuery};
    /// let snippets = Snippets::new(&TextQuery::new("safari"), 4);
    /// let text = "The header is missing, so CORS fails on Safari but not elsewhere.";
    /// let snippet = snippets.snippet(text, None)?.expect("the word is there");
    /// assert!(text[snippet.range.clone()].contains("Safari"));
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Interrupted`] once the flag is set.
    pub fn snippet(&self, text: &str, cancel: Option<&AtomicBool>) -> Result<Option<Snippet>, Error> {
        let mut tokenizer = self.tokenizer.lock().unwrap_or_else(PoisonError::into_inner);
        let matches = Matches::read(&self.sought, text, &mut tokenizer, cancel)?;
        drop(tokenizer);
        let telling = matches.found(&self.sought, true);
        let found = if telling.is_empty() { matches.found(&self.sought, false) } else { telling };
        Ok(self.best_window(&matches, &found).map(|window| self.cut(text, &matches, &found, window)))
    }

    /// The first and the last of the words found that are worth the most together, how many different ones there are, and
    /// what they are worth.
    fn best_window(&self, matches: &Matches, found: &[Found]) -> Option<Window> {
        let mut counts = vec![0_u32; self.sought.items()];
        let mut best: Option<Window> = None;
        let (mut worth, mut words, mut start) = (0.0_f32, 0, 0);
        for (end, last) in found.iter().enumerate() {
            counts[last.item] += 1;
            if counts[last.item] == 1 {
                worth += self.sought.weight(last.item);
                words += usize::from(self.sought.is_word(last.item));
            }
            while start < end && matches.columns(found[start].first, last.last) > 2 * self.words {
                let oldest = found[start].item;
                counts[oldest] -= 1;
                if counts[oldest] == 0 {
                    worth -= self.sought.weight(oldest);
                    words -= usize::from(self.sought.is_word(oldest));
                }
                start += 1;
            }
            // More of the same is better, but not as much as another word.
            let more = 1e-4 * ((end - start) as f32).min(50.0);
            if best.as_ref().is_none_or(|best| worth + more > best.worth + best.more + 1e-6) {
                let first = found[start..=end].iter().map(|found| found.first).min().unwrap_or(last.first);
                best = Some(Window { first, last: last.last, words, worth, more });
            }
        }
        best
    }

    /// The piece around a window: what room is left goes to both sides.
    fn cut(&self, text: &str, matches: &Matches, found: &[Found], window: Window) -> Snippet {
        let width = 2 * self.words;
        let (mut first, mut last) = (window.first, window.last);
        // A phrase can be longer than the piece.
        while last > first && matches.columns(first, last) > width {
            last -= 1;
        }
        let side = matches.columns(first, last) + width.saturating_sub(matches.columns(first, last)) / 2;
        while first > 0 && matches.columns(first - 1, last) <= side {
            first -= 1;
        }
        while last + 1 < matches.len() && matches.columns(first, last + 1) <= width {
            last += 1;
        }
        let shown: Vec<&Found> =
            found.iter().filter(|found| found.last >= first && found.first <= last).collect();
        let signs = |found: &&&Found| found.first >= first && found.last <= last;
        // A sign that belongs to a name stands outside of its word.
        let start = shown.iter().filter(signs).map(|found| found.place.start).min();
        let end = shown.iter().filter(signs).map(|found| found.place.end).max();
        let start = start.map_or(matches.place(first).start, |start| start.min(matches.place(first).start));
        let end = end.map_or(matches.place(last).end, |end| end.max(matches.place(last).end));
        let start = if first == 0 { 0 } else { start };
        let end = if last + 1 == matches.len() { text.len() } else { end };
        let mut marks: Vec<Range<usize>> = Vec::new();
        for found in shown {
            let mut mark = found.place.start.max(start)..found.place.end.min(end);
            while let Some(before) = marks.pop_if(|before| mark.start < before.end) {
                mark = before.start.min(mark.start)..before.end.max(mark.end);
            }
            if !mark.is_empty() {
                marks.push(mark);
            }
        }
        Snippet { range: start..end, found: marks, words: window.words, worth: window.worth }
    }
}

struct Window {
    first: usize,
    last: usize,
    words: usize,
    worth: f32,
    more: f32,
}
