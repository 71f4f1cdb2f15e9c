//! An export, read a line at a time.

use std::io::{BufRead, Read};

use serde::de::DeserializeOwned;

use super::records::{ExportHeader, FORMAT, Named, Signature, VERSION};
use crate::Error;

/// Longest line accepted, well below what SQLite takes as one value (a billion bytes): an entry's texts and thousands of
/// chunks fit many times over.
const LINE_BYTES: u64 = 512 << 20;
/// What some editors put before a text.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A line that cannot be read.
#[must_use]
pub fn invalid_line(line: u64, expected: impl Into<String>, got: impl Into<String>) -> Error {
    Error::BadLine { line, expected: expected.into(), got: got.into() }
}

/// The input, a line at a time.
pub(crate) struct LineReader<'a> {
    input: &'a mut dyn BufRead,
    /// Number of the line read last, from 1.
    pub(crate) number: u64,
    line: Vec<u8>,
}

impl<'a> LineReader<'a> {
    pub(crate) fn new(input: &'a mut dyn BufRead) -> Self {
        Self { input, number: 0, line: Vec::new() }
    }

    /// Reads the next line; false at the end.
    pub(crate) fn next(&mut self) -> Result<bool, Error> {
        self.line.clear();
        let mut limited = (&mut *self.input).take(LINE_BYTES);
        let read = limited
            .read_until(b'\n', &mut self.line)
            .map_err(|source| Error::Stream { action: "read", source })?;
        self.number += u64::from(read > 0);
        if read as u64 == LINE_BYTES {
            return Err(invalid_line(self.number, format!("at most {LINE_BYTES} bytes"), "more"));
        }
        Ok(read > 0)
    }

    /// What was read last.
    pub(crate) fn text(&self) -> &[u8] {
        &self.line
    }

    /// Reads up to the next line with something in it; false at the end.
    pub(crate) fn next_with_text(&mut self) -> Result<bool, Error> {
        while self.next()? {
            if self.number == 1 && self.line.starts_with(BYTE_ORDER_MARK) {
                self.line.drain(..BYTE_ORDER_MARK.len());
            }
            if !self.line.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads the first line: an export's header; `None`, and it is the first of entries without one.
    pub(crate) fn begin(&mut self) -> Result<Option<ExportHeader>, Error> {
        const EXPECTED: &str = "{\"format\":\"rekall\",\"version\":1,…}, or an entry";
        if !self.next_with_text()? {
            return Err(invalid_line(1, EXPECTED, "nothing"));
        }
        let named: Named = self.parse(EXPECTED)?;
        if named.format.is_none() {
            return Ok(None);
        }
        let signature: Signature = self.parse(EXPECTED)?;
        if signature.format != FORMAT {
            return Err(invalid_line(self.number, EXPECTED, format!("the format {:?}", signature.format)));
        }
        match signature.version {
            VERSION => self.parse("the header of version 1").map(Some),
            0 => Err(invalid_line(self.number, EXPECTED, "version 0")),
            found => Err(Error::NewerExport { found, supported: VERSION }),
        }
    }

    pub(crate) fn parse<T: DeserializeOwned>(&self, expected: &str) -> Result<T, Error> {
        serde_json::from_slice(&self.line).map_err(|error| {
            let said = error.to_string();
            // The parser counts lines within the line.
            let said = said.split(" at line ").next().unwrap_or_default();
            let got = match self.line.trim_ascii() {
                b"" => "an empty line".to_owned(),
                _ => format!("{said} at column {}", error.column()),
            };
            invalid_line(self.number, expected, got)
        })
    }
}
