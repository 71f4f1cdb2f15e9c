//! From a file to a document.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::time::SystemTime;

use crate::format::parse;
use crate::{Document, FileKind, Problem, SkipReason, Skipped, Stamp, decode};

/// Attempts to read a file that is written to meanwhile.
const ATTEMPTS: usize = 3;

/// What is read.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    max_bytes: u64,
    plain_text: Vec<String>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { max_bytes: 1 << 20, plain_text: Vec::new() }
    }
}

impl ReadOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The greatest size of a file that is read, in bytes; a larger one is skipped as a whole
    /// ([`SkipReason::TooLarge`]). Default: 1 MiB, which is some 400 pages. Files are read into memory, which
    /// takes about three times their size.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Reads files with another extension as plain text, `csv` or `log` for instance. It is compared without
    /// regard to the case of ASCII letters. Kinds that are known stay what they are.
    pub fn plain_text_extension(mut self, extension: impl Into<String>) -> Self {
        self.plain_text.push(extension.into());
        self
    }

    pub(crate) fn kind(&self, path: &Path) -> Option<FileKind> {
        let extra = || {
            let extension = path.extension()?;
            let is_named = self.plain_text.iter().any(|name| extension.eq_ignore_ascii_case(name));
            is_named.then_some(FileKind::PlainText)
        };
        FileKind::of(path).or_else(extra)
    }
}

/// Reads a file.
///
/// # Errors
///
/// [`Skipped`] with the path and the reason; see [`SkipReason`].
pub fn read(path: &Path, options: &ReadOptions) -> Result<Document, Skipped> {
    let skipped = |reason| Skipped::new(path, reason);
    let kind = options.kind(path).ok_or_else(|| skipped(SkipReason::UnknownKind))?;
    let (bytes, stamp) = content(path, options.max_bytes).map_err(skipped)?;
    let decoded = decode(&bytes).map_err(skipped)?;
    drop(bytes);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut document = parse(kind, &name, &decoded.text).map_err(skipped)?;
    document.encoding = decoded.encoding;
    document.stamp = Some(stamp);
    if decoded.stray_bytes > 0 {
        document
            .problems
            .push(Problem::StrayBytes { count: decoded.stray_bytes, encoding: decoded.encoding });
    }
    Ok(document)
}

/// A file's bytes, and its stamp, which was the same before and after they were read.
fn content(path: &Path, max_bytes: u64) -> Result<(Vec<u8>, Stamp), SkipReason> {
    for _ in 0..ATTEMPTS {
        // Opening a pipe would wait for somebody to write into it.
        if !path.metadata().map_err(SkipReason::Unreadable)?.is_file() {
            return Err(SkipReason::NotAFile);
        }
        let file = File::open(path).map_err(SkipReason::Unreadable)?;
        let before = metadata(&file)?;
        let bytes = bytes(&file, before.len(), max_bytes)?;
        let after = metadata(&file)?;
        if Stamp::of(&before) == Stamp::of(&after) {
            return Ok((bytes, Stamp::when_read(&after, SystemTime::now())));
        }
    }
    Err(SkipReason::Changing)
}

fn bytes(file: &File, size: u64, max_bytes: u64) -> Result<Vec<u8>, SkipReason> {
    let mut bytes = Vec::new();
    if size <= max_bytes {
        let mut limited: io::Take<&File> = file.take(max_bytes.saturating_add(1));
        limited.read_to_end(&mut bytes).map_err(SkipReason::Unreadable)?;
    }
    // It may have grown, and some special files hold more than their size says.
    let bytes_read = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size.max(bytes_read) > max_bytes {
        return Err(SkipReason::TooLarge { bytes: size.max(bytes_read), limit: max_bytes });
    }
    Ok(bytes)
}

fn metadata(file: &File) -> Result<Metadata, SkipReason> {
    file.metadata().map_err(SkipReason::Unreadable)
}
