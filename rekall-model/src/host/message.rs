//! What client and host say to each other.
//!
//! The client begins with [`HELLO`] and the fingerprint that it wants; the host answers [`WELCOME`] with the model's properties. Then
//! the client asks one thing at a time. While texts are embedded the host sends [`PROGRESS`]; a client that wants it to stop
//! closes the connection.

use super::error::{Failure, HostError};
use crate::embedder::{Embeddings, Progress};
use crate::{Embedder, Error, Fingerprint};

/// Raised with any change of what is sent; part of a place's name.
pub(super) const PROTOCOL: u32 = 1;

pub(super) const HELLO: u8 = 1;
pub(super) const DOCUMENTS: u8 = 2;
pub(super) const QUERY: u8 = 3;
pub(super) const COUNT: u8 = 4;
pub(super) const KNOWN: u8 = 5;
pub(super) const WELCOME: u8 = 65;
pub(super) const PROGRESS: u8 = 66;
pub(super) const DONE: u8 = 67;
pub(super) const FAILED: u8 = 68;

/// Most texts of a question.
pub(super) const MAX_TEXTS: usize = 1024;

/// Most bytes of a question.
pub(super) const MAX_QUESTION: usize = 64 << 20;

/// Most bytes of a fingerprint, a reason, and the like.
pub(super) const MAX_WORDS: usize = 1 << 20;

const MAGIC: u64 = u64::from_le_bytes(*b"rekall-1");

/// Bytes of texts after which a question ends, unless it has but one.
const ENOUGH: usize = 4 << 20;

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

    fn numbers(self, numbers: impl ExactSizeIterator<Item = u64>) -> Self {
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
    fn positions(&mut self, end: usize) -> Result<Vec<usize>, HostError> {
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

/// What a client has to know of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Properties {
    pub(super) dimensions: usize,
    pub(super) max_tokens: Option<usize>,
}

impl Properties {
    pub(super) fn of(model: &dyn Embedder) -> Self {
        Self { dimensions: model.dimensions(), max_tokens: model.max_tokens() }
    }
}

pub(super) fn welcome(model: &dyn Embedder) -> Vec<u8> {
    let Properties { dimensions, max_tokens } = Properties::of(model);
    let mut out = Out(hello(model.fingerprint())).number(dimensions as u64);
    out = out.number(max_tokens.map_or(u64::MAX, |most| most as u64));
    out.0
}

pub(super) fn read_welcome(body: &[u8], wanted: &Fingerprint) -> Result<Properties, HostError> {
    let mut read = In::new(body);
    read_hello(&mut read, wanted)?;
    let dimensions = read.size(1 << 20)?;
    let max_tokens = usize::try_from(read.number()?).ok().filter(|most| *most != usize::MAX);
    read.end()?;
    Ok(Properties { dimensions, max_tokens })
}

pub(super) fn documents(texts: &[&str]) -> Vec<u8> {
    texts.iter().fold(Out::default().number(texts.len() as u64), |out, text| out.text(text)).0
}

pub(super) fn read_documents(body: &[u8]) -> Result<Vec<&str>, HostError> {
    let mut read = In::new(body);
    let count = read.size(MAX_TEXTS)?;
    let texts = (0..count).map(|_| read.text()).collect::<Result<_, _>>()?;
    read.end()?;
    Ok(texts)
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

pub(super) fn embeddings(made: &Embeddings) -> Vec<u8> {
    let positions = |positions: &[usize]| positions.iter().map(|&x| x as u64).collect::<Vec<_>>().into_iter();
    let known = made.known_shares.iter().map(|share| share.map_or(u64::MAX, |x| x.to_bits().into()));
    Out::default()
        .floats(&made.rows)
        .numbers(made.token_counts.iter().map(|&count| u64::from(count)))
        .numbers(known)
        .numbers(positions(&made.truncated))
        .numbers(positions(&made.unembeddable))
        .0
}

/// Most bytes of what [`embeddings`] makes of so many texts.
pub(super) fn most_of_embeddings(texts: usize, dimensions: usize) -> usize {
    texts.saturating_mul(dimensions.saturating_mul(4).saturating_add(32)).saturating_add(32)
}

pub(super) fn read_embeddings(body: &[u8], texts: usize, dimensions: usize) -> Result<Embeddings, HostError> {
    let mut read = In::new(body);
    let mut made = Embeddings::zeroed(texts, dimensions);
    made.rows = read.floats(texts.saturating_mul(dimensions))?;
    let exactly = |read: &mut In<'_>| match read.size(texts)? {
        count if count == texts => Ok(()),
        count => Err(HostError::message("an answer", format!("{texts} texts"), count.to_string())),
    };
    exactly(&mut read)?;
    for count in &mut made.token_counts {
        *count = u32::try_from(read.size(u32::MAX as usize)?).unwrap_or(u32::MAX);
    }
    exactly(&mut read)?;
    for share in &mut made.known_shares {
        *share = read_share(read.number()?);
    }
    made.truncated = read.positions(texts)?;
    made.unembeddable = read.positions(texts)?;
    read.end()?;
    Ok(made)
}

pub(super) fn share(share: Option<f32>) -> Vec<u8> {
    Out::default().number(share.map_or(u64::MAX, |x| x.to_bits().into())).0
}

pub(super) fn read_share(number: u64) -> Option<f32> {
    u32::try_from(number).ok().map(f32::from_bits)
}

pub(super) fn failed(error: &Error) -> Vec<u8> {
    let (code, index, reason) = match error {
        Error::Unembeddable { index } => (1, *index, String::new()),
        Error::Tokenize { index, reason } => (2, *index, reason.clone()),
        Error::Compute { reason } => (3, 0, reason.clone()),
        other => (3, 0, other.to_string()),
    };
    let reason: String = reason.chars().take(MAX_WORDS / 8).collect();
    Out::default().number(code).number(index as u64).text(&reason).0
}

pub(super) fn read_failed(body: &[u8]) -> Result<Error, HostError> {
    let mut read = In::new(body);
    let (code, index) = (read.number()?, read.size(usize::MAX)?);
    let reason = read.text()?.to_owned();
    read.end()?;
    match code {
        1 => Ok(Error::Unembeddable { index }),
        2 => Ok(Error::Tokenize { index, reason }),
        3 => Ok(Error::Compute { reason }),
        other => Err(HostError::message("an error", "1 to 3", other.to_string())),
    }
}

/// What a frame says that is neither progress nor the answer.
pub(super) fn other(kind: u8, body: &[u8]) -> Failure {
    match kind {
        FAILED => read_failed(body).map_or_else(Failure::Way, Failure::Model),
        other => HostError::message("an answer", "a frame of an answer's kind", other.to_string()).into(),
    }
}
