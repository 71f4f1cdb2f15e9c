//! The passages of a segment, as they are kept.

use std::ops::Range;

use super::IndexError;
use super::hash::checksum;
use super::passages::Passages;
use super::varint::{self, Reader};

/// First byte of an encoded table.
const FORMAT: u8 = 1;

/// How the passages of a row are listed, in the lowest two bits of the row's shape.
const SUMMARY: u64 = 0;
const SUMMARY_AND_CONTEXT: u64 = 1;
const LISTED: u64 = 2;

/// The part of the first passage of the second role.
const CONTEXT_PART: u32 = 1 << 16;

/// The table of a segment: the rows it speaks for, and their passages in the order of their keys.
///
/// A row without passages is one that is gone, or has no word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Docs {
    rows: Vec<i64>,
    passages: Passages,
}

impl Docs {
    /// `rows` and `passages` must be in order, and every passage's row among the rows.
    pub(super) fn new(rows: Vec<i64>, passages: Passages) -> Self {
        Self { rows, passages }
    }

    /// The rows that the segment speaks for, ascending.
    pub(crate) fn rows(&self) -> &[i64] {
        &self.rows
    }

    /// Whether the segment speaks for this row, also by saying that it is gone.
    pub(crate) fn speaks_for(&self, row: i64) -> bool {
        self.rows.binary_search(&row).is_ok()
    }

    /// All passages.
    pub(crate) fn passages(&self) -> &Passages {
        &self.passages
    }

    /// The ordinals of a row's passages.
    pub(crate) fn passages_of(&self, row: i64) -> Range<u32> {
        let start = self.passages.rows.partition_point(|&other| other < row);
        let length = self.passages.rows[start..].iter().take_while(|&&other| other == row).count();
        start as u32..(start + length) as u32
    }

    /// Bytes of heap.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.rows.capacity() * size_of::<i64>() + self.passages.memory_bytes()
    }

    /// The table as bytes; about 6 a passage.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![FORMAT];
        varint::push(&mut out, self.rows.len() as u64);
        varint::push(&mut out, self.passages.len() as u64);
        let mut last = 0i64;
        let mut rest = &self.passages;
        let mut at = 0;
        for &row in &self.rows {
            varint::push(&mut out, row.wrapping_sub(last) as u64);
            last = row;
            let count = rest.rows[at..].iter().take_while(|&&other| other == row).count();
            push_shape(&mut out, &rest.parts[at..at + count]);
            at += count;
        }
        rest = &self.passages;
        rest.lengths.iter().for_each(|&length| varint::push(&mut out, u64::from(length)));
        rest.checks.iter().for_each(|check| out.extend(check.to_le_bytes()));
        out.extend(checksum(&out).to_le_bytes());
        out
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    ///
    /// [`IndexError::Damaged`] for all other bytes, but for one accident in four thousand million.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, IndexError> {
        let damaged = |expected, got: usize| IndexError::damaged("the table of passages", expected, got);
        let body = checked_body(bytes, "the table of passages")?;
        let mut reader = Reader::new(body);
        if reader.bytes(1) != Some(&[FORMAT]) {
            return Err(damaged("format 1", usize::from(body.first().copied().unwrap_or(0))));
        }
        decode_body(&mut reader).ok_or_else(|| damaged("rows, passages and lengths", body.len()))
    }
}

/// `bytes` without the checksum at their end, if it is right.
pub(super) fn checked_body<'a>(bytes: &'a [u8], place: &'static str) -> Result<&'a [u8], IndexError> {
    let Some((body, sum)) = bytes.split_last_chunk::<4>() else {
        return Err(IndexError::damaged(place, "at least 4 bytes", bytes.len()));
    };
    let (expected, got) = (u32::from_le_bytes(*sum), checksum(body));
    if expected == got {
        Ok(body)
    } else {
        Err(IndexError::damaged(place, "its checksum", format!("{got:08x} instead of {expected:08x}")))
    }
}

fn push_shape(out: &mut Vec<u8>, parts: &[u32]) {
    let summaries = parts.iter().zip(0..).take_while(|&(&part, number)| part == number).count();
    let contexts =
        parts[summaries..].iter().zip(CONTEXT_PART..).take_while(|&(&part, number)| part == number).count();
    if summaries == parts.len() {
        varint::push(out, (parts.len() as u64) << 2 | SUMMARY);
    } else if summaries + contexts == parts.len() {
        varint::push(out, (summaries as u64) << 2 | SUMMARY_AND_CONTEXT);
        varint::push(out, contexts as u64);
    } else {
        varint::push(out, (parts.len() as u64) << 2 | LISTED);
        parts.iter().for_each(|&part| varint::push(out, u64::from(part)));
    }
}

/// The table after its format byte, or `None` if anything in it is out of order or out of range.
fn decode_body(reader: &mut Reader<'_>) -> Option<Docs> {
    let (row_count, passage_count) = (reader.u64()?, reader.u64()?);
    // Each row takes two bytes at least, each passage five: no allocation is larger than the bytes that justify it.
    let bound =
        |count: u64, bytes: usize| usize::try_from(count).ok().filter(|&n| n <= reader.remaining() / bytes);
    let (row_count, passage_count) = (bound(row_count, 2)?, bound(passage_count, 5)?);
    let mut rows = Vec::with_capacity(row_count);
    let mut passages = Passages {
        rows: Vec::with_capacity(passage_count),
        parts: Vec::with_capacity(passage_count),
        lengths: Vec::with_capacity(passage_count),
        checks: Vec::with_capacity(passage_count),
    };
    let mut last = None;
    for _ in 0..row_count {
        let row = last.unwrap_or(0i64).wrapping_add(reader.u64()? as i64);
        if last.is_some_and(|last| last >= row) {
            return None;
        }
        last = Some(row);
        rows.push(row);
        read_shape(reader, passage_count - passages.parts.len(), &mut passages.parts)?;
        passages.rows.resize(passages.parts.len(), row);
    }
    if passages.parts.len() != passage_count {
        return None;
    }
    for _ in 0..passage_count {
        passages.lengths.push(reader.u32()?);
    }
    let (checks, rest) = reader.bytes(reader.remaining())?.as_chunks::<4>();
    passages.checks.extend(checks.iter().map(|check| u32::from_le_bytes(*check)));
    (rest.is_empty() && passages.checks.len() == passage_count).then_some(Docs { rows, passages })
}

/// Appends the parts of one row, at most `most` of them.
fn read_shape(reader: &mut Reader<'_>, most: usize, parts: &mut Vec<u32>) -> Option<()> {
    let shape = reader.u64()?;
    let count = usize::try_from(shape >> 2).ok().filter(|&count| count <= most)?;
    let run = |first: u32, count: usize| {
        Some(first..first + u32::try_from(count).ok().filter(|&n| n <= CONTEXT_PART)?)
    };
    match shape & 3 {
        SUMMARY => parts.extend(run(0, count)?),
        SUMMARY_AND_CONTEXT => {
            let contexts =
                usize::try_from(reader.u64()?).ok().filter(|&contexts| contexts <= most - count)?;
            parts.extend(run(0, count)?);
            parts.extend(run(CONTEXT_PART, contexts)?);
        }
        LISTED => {
            let mut last = None;
            for _ in 0..count {
                let part = reader.u32().filter(|&part| part < 1 << 24 && last < Some(part))?;
                last = Some(part);
                parts.push(part);
            }
        }
        _ => return None,
    }
    Some(())
}
