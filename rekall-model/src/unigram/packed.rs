//! A tokenizer as one block of bytes that is used in place.
//!
//! All numbers are little-endian: the magic `RKUG0001`; `u32` id of the unknown piece; `f64` its score; `u32`
//! the character that a run of spaces becomes (0 leaves runs alone); `u32` 1 if words are split at any white
//! space; then four sections, each a `u32` length and its bytes: character map, trie, scores, added tokens.
//! An added token is its `u32` id, a byte of flags (1 strips white space on the left, 2 on the right), a
//! `u32` length and its text.

use super::charsmap::Charsmap;
use super::pieces::Pieces;
use super::tokenizer::{AddedToken, Unigram};
use super::trie::Trie;
use crate::bytes::Bytes;

const MAGIC: &[u8; 8] = b"RKUG0001";

/// A tokenizer read from a `tokenizer.json`, ready to be packed.
#[derive(Debug)]
pub(super) struct Sections {
    pub(super) charsmap: Vec<u8>,
    pub(super) trie: Trie,
    pub(super) scores: Vec<u8>,
    pub(super) unknown_score: f64,
    pub(super) unknown_id: u32,
    pub(super) collapse: Option<char>,
    pub(super) whitespace_split: bool,
    pub(super) added: Vec<AddedToken>,
}

impl Sections {
    /// The packed form.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(self.unknown_id.to_le_bytes());
        out.extend(self.unknown_score.to_le_bytes());
        out.extend(self.collapse.map_or(0, u32::from).to_le_bytes());
        out.extend(u32::from(self.whitespace_split).to_le_bytes());
        let mut added = Vec::new();
        for token in &self.added {
            added.extend(token.id.to_le_bytes());
            added.push(u8::from(token.strip.0) | u8::from(token.strip.1) << 1);
            added.extend((token.text.len() as u32).to_le_bytes());
            added.extend(token.text.as_bytes());
        }
        for section in [&self.charsmap[..], self.trie.as_bytes(), &self.scores, &added] {
            out.extend((section.len() as u32).to_le_bytes());
            out.extend(section);
        }
        out
    }
}

impl Unigram {
    /// Reads the packed form in place; only the added tokens are copied. `None` if the block is not a packed
    /// tokenizer.
    pub(crate) fn from_packed(block: &Bytes) -> Option<Self> {
        let mut reader = Reader { block, at: 0 };
        if reader.take(8)?.first_chunk() != Some(MAGIC) {
            return None;
        }
        let unknown_id = reader.u32()?;
        let unknown_score = f64::from_le_bytes(*reader.take(8)?.first_chunk()?);
        let collapse = match reader.u32()? {
            0 => None,
            code => Some(char::from_u32(code)?),
        };
        let whitespace_split = reader.u32()? != 0;
        let charsmap = Charsmap::parse(&reader.section()?)?;
        let trie = Trie::from_bytes(reader.section()?)?;
        let scores = reader.section()?;
        let added_block = reader.section()?;
        let mut entries = Reader { block: &added_block, at: 0 };
        let mut added = Vec::new();
        while entries.at < added_block.len() {
            let id = entries.u32()?;
            let flags = *entries.take(1)?.first()?;
            let length = entries.u32()? as usize;
            let text = String::from_utf8(entries.take(length)?.to_vec()).ok()?;
            added.push(AddedToken { text, id, strip: (flags & 1 == 1, flags & 2 == 2) });
        }
        let pieces = Pieces { trie, scores, unknown_score, unknown_id };
        Some(Self { charsmap, pieces, collapse, whitespace_split, added })
    }
}

struct Reader<'a> {
    block: &'a Bytes,
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, length: usize) -> Option<Bytes> {
        let end = self.at.checked_add(length)?;
        let bytes = self.block.slice(self.at..end)?;
        self.at = end;
        Some(bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(*self.take(4)?.first_chunk()?))
    }

    fn section(&mut self) -> Option<Bytes> {
        let length = self.u32()? as usize;
        self.take(length)
    }
}
