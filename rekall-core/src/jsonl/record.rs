//! A line of an import, checked: what an engine writes as it is.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::check::{check_names, readable};
use super::line_reader::invalid_line;
use super::records::{EntryLine, LinkLine, QuarantineLine, VectorLine, decode, encode};
use crate::{Context, EntryId, Error, Role, Space, SpaceId, vector};

/// An entry to be written, with its line's number. JSON in it can be read back.
#[derive(Debug)]
pub struct Record {
    /// Number of its line, from 1.
    pub line: u64,
    /// The entry, its vectors and quarantine moved out of it.
    pub entry: EntryLine,
    /// Row number of the entry with this id that is there, whose place it takes.
    pub replaces: Option<i64>,
    /// Its vectors.
    pub vectors: Vec<RecordVector>,
    /// Vectors that cannot be used, in spaces of this store.
    pub quarantine: Vec<(QuarantineLine, Option<Vec<u8>>)>,
    /// What its place in a source is digested as.
    pub section_digest: Vec<u8>,
    /// Whether it waits for vectors.
    pub pending: bool,
}

/// A sound vector, in a space of this store.
#[derive(Debug)]
#[allow(missing_docs, reason = "the columns of the table, which docs/storage.md describes")]
pub struct RecordVector {
    pub space: SpaceId,
    pub role: Role,
    pub chunk: u16,
    pub start: u32,
    pub end: u32,
    pub digest: Vec<u8>,
    pub bytes: Vec<u8>,
}

/// What an entry says of another one, which may come later.
#[derive(Debug)]
pub struct Reference {
    /// Number of the line that says it.
    pub line: u64,
    /// The entry that says it.
    pub source: EntryId,
    /// The other one.
    pub target: EntryId,
    /// The link; `None`: the other one replaced it.
    pub link: Option<LinkLine>,
}

impl Record {
    /// Checks a line; `spaces` leads from the export's numbers to spaces of this store.
    pub(super) fn check(
        line: u64,
        mut entry: EntryLine,
        spaces: &HashMap<i64, Space>,
        active: Option<SpaceId>,
    ) -> Result<Self, Error> {
        check_names(line, &entry)?;
        check_texts(line, &entry)?;
        readable::<Vec<String>>(line, "tags", &entry.tags)?;
        readable::<Map<String, Value>>(line, "metadata", &entry.metadata)?;
        entry.context.as_ref().map(|json| readable::<Context>(line, "context", json)).transpose()?;
        entry.legacy.as_ref().map(|json| readable::<Value>(line, "legacy", json)).transpose()?;
        let mut seen = HashSet::new();
        let mut vectors = Vec::with_capacity(entry.vectors.len());
        for new in std::mem::take(&mut entry.vectors) {
            if !seen.insert((new.space, new.role.clone(), new.chunk)) {
                let got = format!("{} {} of space {} twice", new.role, new.chunk, new.space);
                return Err(invalid_line(line, "each vector once", got));
            }
            vectors.push(check_vector(line, &new, spaces)?);
        }
        let mut quarantine = Vec::with_capacity(entry.quarantine.len());
        for mut aside in std::mem::take(&mut entry.quarantine) {
            let bytes = aside.vector.take().map(|text| base64(line, &text)).transpose()?;
            aside.space = aside.space.map(|number| spaces.get(&number).map_or(number, |space| space.id.0));
            quarantine.push((aside, bytes));
        }
        let section_digest = match &entry.source {
            Some(section) if section.uri.is_empty() || section.uri.contains('\0') => {
                return Err(invalid_line(line, "a source with a URI", format!("{:?}", section.uri)));
            }
            Some(section) => base64(line, &section.digest)?,
            None => Vec::new(),
        };
        let searched = vectors.iter().any(|vector| Some(vector.space) == active);
        let pending = entry.pending || (active.is_some() && !searched);
        Ok(Self { line, entry, replaces: None, vectors, quarantine, section_digest, pending })
    }

    /// What it says of other entries.
    pub(super) fn take_references(&mut self) -> Result<Vec<Reference>, Error> {
        let (line, source) = (self.line, self.entry.id);
        let mut references = Vec::with_capacity(self.entry.links.len());
        for link in std::mem::take(&mut self.entry.links) {
            if link.target == source {
                return Err(invalid_line(line, "a link to another entry", "a link to itself"));
            }
            references.push(Reference { line, source, target: link.target, link: Some(link) });
        }
        if let Some(target) = self.entry.superseded_by {
            if target == source {
                return Err(invalid_line(line, "superseded_by another entry", "by itself"));
            }
            references.push(Reference { line, source, target, link: None });
        }
        Ok(references)
    }

    /// About how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        let vectors: usize = self.vectors.iter().map(|vector| vector.bytes.len()).sum();
        self.entry.title.len() + self.entry.content.len() + self.entry.metadata.get().len() + vectors
    }
}

fn base64(line: u64, text: &str) -> Result<Vec<u8>, Error> {
    decode(text).ok_or_else(|| invalid_line(line, "base64", "something else"))
}

/// Texts that are no names: a server takes no NUL in them either.
fn check_texts(line: u64, entry: &EntryLine) -> Result<(), Error> {
    let reasons = entry.links.iter().filter_map(|link| link.reason.as_ref());
    let faults = entry.quarantine.iter().map(|aside| &aside.reason);
    match [&entry.content].into_iter().chain(reasons).chain(faults).find_map(|text| text.find('\0')) {
        None => Ok(()),
        Some(at) => Err(invalid_line(line, "texts without NUL", format!("one at byte {at}"))),
    }
}

fn check_vector(line: u64, new: &VectorLine, spaces: &HashMap<i64, Space>) -> Result<RecordVector, Error> {
    let Some(space) = spaces.get(&new.space) else {
        return Err(invalid_line(line, "a space of the header", format!("space {}", new.space)));
    };
    let role = Role::ALL.into_iter().find(|role| role.name() == new.role);
    let role =
        role.ok_or_else(|| invalid_line(line, "the role summary or context", format!("{:?}", new.role)))?;
    let (bytes, digest) = (base64(line, &new.vector)?, base64(line, &new.digest)?);
    let mut values = Vec::with_capacity(space.dimensions);
    if vector::decode(&bytes, space.dimensions, &mut values).is_none() {
        let expected = format!("a vector of {} bytes", space.dimensions * 4);
        return Err(invalid_line(line, expected, format!("{} bytes", bytes.len())));
    }
    if let Some(problem) = vector::problem(&values) {
        return Err(invalid_line(line, "a finite vector of length 1", problem));
    }
    if new.start > new.end {
        let got = format!("{} to {}", new.start, new.end);
        return Err(invalid_line(line, "a span that goes forward", got));
    }
    Ok(RecordVector {
        space: space.id,
        role,
        chunk: new.chunk,
        start: new.start,
        end: new.end,
        digest,
        bytes,
    })
}

/// A vector as a store holds it.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the columns of the table, which docs/storage.md describes")]
pub struct VectorColumns<'r> {
    pub space: i64,
    pub role: i64,
    pub chunk: i64,
    pub start: i64,
    pub end: i64,
    pub digest: &'r [u8],
    pub bytes: &'r [u8],
}

impl VectorColumns<'_> {
    /// Hangs it on its entry, as sound or as quarantined. `dimensions` are those of its space.
    pub fn hang(&self, dimensions: Option<usize>, entry: &mut EntryLine) {
        match self.sound(dimensions) {
            Ok(line) => entry.vectors.push(line),
            Err(reason) => entry.quarantine.push(QuarantineLine {
                space: Some(self.space),
                role: Some(self.role),
                chunk: Some(self.chunk),
                reason,
                vector: Some(encode(self.bytes)),
                // Not the time of day: the same content gives the same bytes.
                found_at: entry.updated_at,
            }),
        }
    }

    fn sound(&self, dimensions: Option<usize>) -> Result<VectorLine, String> {
        let dimensions = dimensions.ok_or_else(|| format!("space {} does not exist", self.space))?;
        let role = u8::try_from(self.role).ok().and_then(Role::from_number);
        let role = role.ok_or_else(|| format!("role must be 0 or 1, got {}", self.role))?;
        let mut values = Vec::with_capacity(dimensions);
        if vector::decode(self.bytes, dimensions, &mut values).is_none() {
            return Err(format!("must have {} bytes, got {}", dimensions * 4, self.bytes.len()));
        }
        if let Some(problem) = vector::problem(&values) {
            return Err(problem);
        }
        let small = |number: i64| u32::try_from(number).map_err(|_| format!("a span holds {number}"));
        Ok(VectorLine {
            space: self.space,
            role: role.name().to_owned(),
            chunk: u16::try_from(self.chunk).map_err(|_| format!("chunk is {}", self.chunk))?,
            start: small(self.start)?,
            end: small(self.end)?,
            digest: encode(self.digest),
            vector: encode(self.bytes),
        })
    }
}
