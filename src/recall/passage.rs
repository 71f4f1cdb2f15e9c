//! The passage that a hit is about, in bytes.

use std::ops::Range;

use rekall_core::{EntryText, Role};
use serde::Serialize;

use super::hit::{Hit, HitChunk};
use crate::Entry;

/// The passage that a hit is about, in bytes of UTF-8; made by [`Hit::passage`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Passage {
    /// The whole text that the role embeds, see [`EntryText::role`].
    pub text: String,
    /// Where the passage stands in `text`.
    pub bytes: Range<usize>,
    /// Where its part stands that is the entry's content, in bytes of the content; `None` where it touches
    /// title, tags or context only.
    pub content: Option<Range<usize>>,
}

impl Passage {
    /// The passage itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.text.get(self.bytes.clone()).unwrap_or_default()
    }
}

impl Hit {
    /// The passage that the hit is about ([`chunk`](Self::chunk)), with its text and where it stands in bytes.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")]
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).open()?;
    /// rekall.remember(NewEntry::new("Sauvegardes").content("Échouent la nuit : le disque est plein."))?;
    /// let hits = rekall.recall("disk full").run()?;
    /// let passage = hits[0].passage().unwrap();
    /// assert_eq!(passage.as_str(), "Sauvegardes\nÉchouent la nuit : le disque est plein.");
    /// assert_eq!(&hits[0].entry.content[passage.content.unwrap()], "Échouent la nuit : le disque est plein.");
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "bundled-model"))]
    /// # fn main() {}
    /// ```
    #[must_use]
    pub fn passage(&self) -> Option<Passage> {
        Some(self.chunk?.passage(&self.entry))
    }
}

impl HitChunk {
    /// The passage that the chunk stands for in its entry. O(length of the text).
    ///
    /// A chunk of another text, such as an entry read later, is cut where the text ends.
    #[must_use]
    pub fn passage(&self, entry: &Entry) -> Passage {
        let text = EntryText::from(entry).role(self.role).unwrap_or_default();
        let bytes = self.bytes_in(&text);
        let content = match self.role {
            Role::Summary => content_part(entry, &text, &bytes),
            Role::Context => None,
        };
        Passage { text, bytes, content }
    }

    /// Where the chunk stands in its role's text, in bytes.
    #[must_use]
    pub fn bytes_in(&self, text: &str) -> Range<usize> {
        let start = byte_of(text, self.start);
        let length = byte_of(&text[start..], self.end.saturating_sub(self.start));
        start..start + length
    }
}

/// Where this character of a text begins, or the text ends.
fn byte_of(text: &str, character: u32) -> usize {
    let mut rest = text.chars();
    if let Some(before) = character.checked_sub(1) {
        // Skips many bytes at once, as `char_indices` does not.
        rest.nth(usize::try_from(before).unwrap_or(usize::MAX));
    }
    text.len() - rest.as_str().len()
}

/// The part of a passage of the summary that is the entry's content.
fn content_part(entry: &Entry, text: &str, bytes: &Range<usize>) -> Option<Range<usize>> {
    let first = entry.title.len() + 1;
    let there = text.get(first..).is_some_and(|rest| rest.starts_with(&entry.content));
    if entry.content.trim().is_empty() || !there {
        return None;
    }
    let start = bytes.start.max(first);
    let end = bytes.end.min(first + entry.content.len());
    (start < end).then(|| start - first..end - first)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rekall_core::{NewEntry, Origin};

    use super::*;

    fn entry(new: NewEntry) -> Entry {
        Entry::of(new, "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(), Origin::default(), 0)
    }

    fn chunk(start: u32, end: u32) -> HitChunk {
        HitChunk { role: Role::Summary, number: 0, start, end }
    }

    #[test]
    fn characters_become_bytes_whatever_their_length() {
        let text = "é数🦀a";
        for (chars, bytes) in
            [((0, 0), 0..0), ((0, 1), 0..2), ((1, 2), 2..5), ((2, 3), 5..9), ((3, 4), 9..10)]
        {
            assert_eq!(chunk(chars.0, chars.1).bytes_in(text), bytes);
        }
        // Of another text: cut, never in the middle of a character, never backwards.
        assert_eq!(chunk(1, 99).bytes_in(text), 2..10);
        assert_eq!(chunk(50, u32::MAX).bytes_in(text), 10..10);
        assert_eq!(chunk(3, 1).bytes_in(text), 9..9);
    }

    #[test]
    fn the_content_is_told_from_title_and_tags() {
        let entry = entry(NewEntry::new("Été").content("数据库").tags(["étiquette"]));
        // "Été\n数据库\nétiquette"
        let part = |start, end| chunk(start, end).passage(&entry).content;
        assert_eq!(part(0, 3), None);
        assert_eq!(part(0, 4), None);
        assert_eq!(part(0, 5), Some(0..3));
        assert_eq!(part(5, 6), Some(3..6));
        assert_eq!(part(0, 17), Some(0..9));
        assert_eq!(part(7, 17), None);
        assert_eq!(chunk(4, 7).passage(&entry).as_str(), "数据库");
        // The tags have the content's place.
        let blank = self::entry(NewEntry::new("t").content(" ").tags([" "]));
        assert_eq!(chunk(0, 3).passage(&blank).content, None);
    }
}
