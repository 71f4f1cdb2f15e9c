//! What client and host say to each other.
//!
//! The client begins with [`HELLO`] and the fingerprint that it wants; the host says [`LOADING`] now and then until it has the model,
//! and then [`WELCOME`] with the model's properties; or [`FULL`], where it has no room for another client. Then the client asks one
//! thing at a time. While many texts are worked on the host sends [`PROGRESS`]; a client that wants it to stop closes the
//! connection.

use super::error::HostError;
use super::kind::Kind;
use crate::Fingerprint;
use crate::embedder::Progress;

/// Raised with any change of what is sent; part of a place's name.
pub(super) const PROTOCOL: u32 = 2;

pub(super) const HELLO: u8 = 1;
pub(super) const DOCUMENTS: u8 = 2;
pub(super) const QUERY: u8 = 3;
pub(super) const COUNT: u8 = 4;
pub(super) const KNOWN: u8 = 5;
pub(super) const SCORES: u8 = 6;
pub(super) const WELCOME: u8 = 65;
pub(super) const PROGRESS: u8 = 66;
pub(super) const DONE: u8 = 67;
pub(super) const FAILED: u8 = 68;
pub(super) const LOADING: u8 = 69;
pub(super) const FULL: u8 = 70;

/// Most texts of a question.
pub(super) const MAX_TEXTS: usize = 1024;

/// Most bytes of a question.
pub(super) const MAX_QUESTION: usize = 64 << 20;

/// Most bytes of a fingerprint, a reason, and the like.
pub(super) const MAX_WORDS: usize = 1 << 20;

const MAGIC: u64 = u64::from_le_bytes(*b"rekall-1");

/// Bytes of texts after which a question ends, unless it has but one.
pub(super) const ENOUGH: usize = 4 << 20;

/// The texts of the next question, of those that are left.
pub(super) fn next_texts<'a, 'b>(texts: &'b [&'a str]) -> &'b [&'a str] {
    let mut bytes = 0;
    let fitting = texts.iter().take(MAX_TEXTS).take_while(|text| {
        bytes += text.len();
        bytes <= ENOUGH
    });
    &texts[..fitting.count().max(1).min(texts.len())]
}

/// Whether a text is too long for a question.
pub(super) fn is_too_long(text: &str) -> bool {
    text.len() > MAX_QUESTION - 64
}

/// A message in the making.
#[derive(Debug, Default)]
pub(super) struct Out(pub(super) Vec<u8>);

impl Out {
    pub(super) fn number(mut self, number: u64) -> Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    pub(super) fn text(self, text: &str) -> Self {
        let mut out = self.number(text.len() as u64);
        out.0.extend(text.as_bytes());
        out
    }

    pub(super) fn floats(mut self, numbers: &[f32]) -> Self {
        self.0.extend(numbers.iter().flat_map(|x| x.to_le_bytes()));
        self
    }

    pub(super) fn numbers(self, numbers: impl ExactSizeIterator<Item = u64>) -> Self {
        let out = self.number(numbers.len() as u64);
        numbers.fold(out, Self::number)
    }
}

/// A message being read.
#[derive(Debug)]
pub(super) struct In<'a>(&'a [u8]);

impl<'a> In<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self(body)
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], HostError> {
        let Some((bytes, rest)) = self.0.split_at_checked(length) else {
            return Err(HostError::message(
                "a message",
                format!("{length} bytes more"),
                self.0.len().to_string(),
            ));
        };
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn number(&mut self) -> Result<u64, HostError> {
        let (number, _) = self.bytes(8)?.as_chunks();
        Ok(number.first().map_or(0, |number| u64::from_le_bytes(*number)))
    }

    /// A number of at most `most`.
    pub(super) fn size(&mut self, most: usize) -> Result<usize, HostError> {
        let number = self.number()?;
        let size = usize::try_from(number).ok().filter(|size| *size <= most);
        size.ok_or_else(|| HostError::message("a message", format!("at most {most}"), number.to_string()))
    }

    pub(super) fn text(&mut self) -> Result<&'a str, HostError> {
        let length = self.size(self.0.len())?;
        std::str::from_utf8(self.bytes(length)?)
            .map_err(|error| HostError::message("a message", "UTF-8", error.to_string()))
    }

    pub(super) fn floats(&mut self, count: usize) -> Result<Vec<f32>, HostError> {
        let length = count.saturating_mul(4);
        Ok(self.bytes(length)?.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    /// Ascending positions below `end`.
    pub(super) fn positions(&mut self, end: usize) -> Result<Vec<usize>, HostError> {
        let count = self.size(end)?;
        let positions =
            (0..count).map(|_| self.size(end.saturating_sub(1))).collect::<Result<Vec<_>, _>>()?;
        if positions.is_sorted_by(|a, b| a < b) {
            return Ok(positions);
        }
        Err(HostError::message("positions of texts", "an ascending order", format!("{positions:?}")))
    }

    pub(super) fn end(&self) -> Result<(), HostError> {
        match self.0.len() {
            0 => Ok(()),
            left => Err(HostError::message("a message", "its end", format!("{left} bytes more"))),
        }
    }
}

pub(super) fn hello(wanted: &Fingerprint) -> Vec<u8> {
    Out::default().number(MAGIC).number(PROTOCOL.into()).text(wanted.as_str()).0
}

/// Checks that the other side means the same model and speaks as we do.
pub(super) fn read_hello(read: &mut In<'_>, own: &Fingerprint) -> Result<(), HostError> {
    let (magic, protocol) = (read.number()?, read.number()?);
    if magic != MAGIC || protocol != u64::from(PROTOCOL) {
        let got = format!("{magic:x}, version {protocol}");
        return Err(HostError::message("a greeting", format!("{MAGIC:x}, version {PROTOCOL}"), got));
    }
    match read.text()? {
        theirs if theirs == own.as_str() => Ok(()),
        theirs => Err(HostError::message("a model", own.as_str(), theirs)),
    }
}

pub(super) fn welcome<K: Kind>(own: &Fingerprint, properties: K::Properties) -> Vec<u8> {
    K::write(properties, Out(hello(own))).0
}

pub(super) fn read_welcome<K: Kind>(body: &[u8], wanted: &Fingerprint) -> Result<K::Properties, HostError> {
    let mut read = In::new(body);
    read_hello(&mut read, wanted)?;
    let properties = K::read(&mut read)?;
    read.end()?;
    Ok(properties)
}

impl Out {
    pub(super) fn texts(self, texts: &[&str]) -> Self {
        texts.iter().fold(self.number(texts.len() as u64), |out, text| out.text(text))
    }

    /// `None` is no number.
    pub(super) fn limit(self, limit: Option<usize>) -> Self {
        self.number(limit.map_or(u64::MAX, |most| most as u64))
    }
}

impl<'a> In<'a> {
    pub(super) fn texts(&mut self) -> Result<Vec<&'a str>, HostError> {
        let count = self.size(MAX_TEXTS)?;
        (0..count).map(|_| self.text()).collect()
    }

    pub(super) fn limit(&mut self) -> Result<Option<usize>, HostError> {
        Ok(usize::try_from(self.number()?).ok().filter(|most| *most != usize::MAX))
    }
}

pub(super) fn progress(progress: Progress) -> Vec<u8> {
    Out::default().number(progress.texts as u64).number(progress.tokens as u64).0
}

pub(super) fn read_progress(body: &[u8], total: usize) -> Result<Progress, HostError> {
    let mut read = In::new(body);
    let (texts, tokens) = (read.size(total)?, read.size(usize::MAX)?);
    read.end()?;
    Ok(Progress { texts, total, tokens })
}
