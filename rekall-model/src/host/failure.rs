//! A model's error on its way: the same kind and words at the other end as in the process that has the model.

use std::io;
use std::path::PathBuf;

use super::error::{Failure, HostError};
use super::message::{FAILED, In, MAX_WORDS, Out};
use crate::Error;

/// Most characters of one text.
const MAX_CHARS: usize = MAX_WORDS / 32;

/// What an error may be about, of those that have no text of their own.
const ABOUT: [&str; 12] = [
    "dimensions",
    "max_tokens",
    "precision",
    "device",
    "model",
    "fingerprint",
    "vectors returned by the model",
    "bundled-model",
    "bundled-model-v1",
    "candle",
    "hub",
    "transformer",
];

/// What the system says without a number.
const SYSTEM: [io::ErrorKind; 5] = [
    io::ErrorKind::NotFound,
    io::ErrorKind::PermissionDenied,
    io::ErrorKind::UnexpectedEof,
    io::ErrorKind::InvalidData,
    io::ErrorKind::OutOfMemory,
];

pub(super) fn failed(error: &Error) -> Vec<u8> {
    let path = |path: &PathBuf| path.to_string_lossy().into_owned();
    let (code, number, texts) = match error {
        Error::Unembeddable { index } => (1, *index as u64, vec![]),
        Error::Tokenize { index, reason } => (2, *index as u64, vec![reason.clone()]),
        Error::Compute { reason } => (3, 0, vec![reason.clone()]),
        Error::Io { path: of, source } => match source.raw_os_error() {
            Some(number) => (4, u64::from(number.cast_unsigned()), vec![path(of)]),
            None => {
                let kind = SYSTEM.iter().position(|kind| *kind == source.kind()).unwrap_or(SYSTEM.len());
                (5, kind as u64, vec![path(of), source.to_string()])
            }
        },
        Error::MissingFile { path: of, expected } => (6, 0, vec![path(of), expected.clone()]),
        Error::InvalidFile { path: of, expected, got } => {
            (7, 0, vec![path(of), expected.clone(), got.clone()])
        }
        Error::UnsupportedModel { path: of, expected, got } => {
            (8, 0, vec![path(of), expected.clone(), got.clone()])
        }
        Error::FeatureOff { what, feature } => (9, about(feature), vec![what.clone()]),
        Error::Unavailable { repo, reason, .. } => (10, 0, vec![repo.clone(), reason.clone()]),
        Error::Refused { repo, reason, .. } => (11, 0, vec![repo.clone(), reason.clone()]),
        Error::BrokenDownload { path: of, expected, got } => {
            (12, 0, vec![path(of), expected.clone(), got.clone()])
        }
        Error::InvalidInput { what, expected, got } => (13, about(what), vec![expected.clone(), got.clone()]),
        // Kind and message are the cause's.
        Error::Load { source } => return failed(source),
        // A host answers nothing to a call that was stopped.
        Error::Cancelled { .. } => (3, 0, vec![error.to_string()]),
    };
    let short = |text: String| text.chars().take(MAX_CHARS).collect::<String>();
    texts
        .into_iter()
        .map(short)
        .fold(Out::default().number(code).number(number), |out, text| out.text(&text))
        .0
}

fn about(what: &str) -> u64 {
    ABOUT.iter().position(|known| *known == what).unwrap_or(ABOUT.len()) as u64
}

fn read_about(number: u64) -> &'static str {
    usize::try_from(number).ok().and_then(|at| ABOUT.get(at)).copied().unwrap_or("the call")
}

fn read_failed(body: &[u8]) -> Result<Error, HostError> {
    let mut read = In::new(body);
    let (code, number) = (read.number()?, read.number()?);
    let index = usize::try_from(number).unwrap_or(usize::MAX);
    let mut text = || read.text().map(str::to_owned);
    let error = match code {
        1 => Error::Unembeddable { index },
        2 => Error::Tokenize { index, reason: text()? },
        3 => Error::Compute { reason: text()? },
        4 => {
            let system = u32::try_from(number).unwrap_or_default().cast_signed();
            Error::Io { path: text()?.into(), source: io::Error::from_raw_os_error(system) }
        }
        5 => {
            let kind = SYSTEM.get(index).copied().unwrap_or(io::ErrorKind::Other);
            Error::Io { path: text()?.into(), source: io::Error::new(kind, text()?) }
        }
        6 => Error::MissingFile { path: text()?.into(), expected: text()? },
        7 => Error::InvalidFile { path: text()?.into(), expected: text()?, got: text()? },
        8 => Error::UnsupportedModel { path: text()?.into(), expected: text()?, got: text()? },
        9 => Error::FeatureOff { what: text()?, feature: read_about(number) },
        10 => Error::Unavailable { repo: text()?, reason: text()?, source: None },
        11 => Error::Refused { repo: text()?, reason: text()?, source: None },
        12 => Error::BrokenDownload { path: text()?.into(), expected: text()?, got: text()? },
        13 => Error::InvalidInput { what: read_about(number), expected: text()?, got: text()? },
        other => return Err(HostError::message("an error", "1 to 13", other.to_string())),
    };
    read.end()?;
    Ok(error)
}

/// What a frame says that is neither progress nor the answer.
pub(super) fn other(kind: u8, body: &[u8]) -> Failure {
    match kind {
        FAILED => read_failed(body).map_or_else(Failure::Way, Failure::Model),
        other => HostError::message("an answer", "a frame of an answer's kind", other.to_string()).into(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn an_error_is_the_same_at_the_other_end() {
        let (path, expected, got) = (PathBuf::from("a/b"), "some".to_owned(), "other".to_owned());
        let text = || "a reason".to_owned();
        let system = |source| Error::Io { path: "a/b".into(), source };
        let errors = [
            Error::Unembeddable { index: 7 },
            Error::Tokenize { index: 1_030, reason: text() },
            Error::Compute { reason: text() },
            system(io::Error::from_raw_os_error(2)),
            system(io::Error::from_raw_os_error(13)),
            system(io::ErrorKind::UnexpectedEof.into()),
            system(io::Error::other("words")),
            Error::MissingFile { path: path.clone(), expected: expected.clone() },
            Error::InvalidFile { path: path.clone(), expected: expected.clone(), got: got.clone() },
            Error::UnsupportedModel { path: path.clone(), expected: expected.clone(), got: got.clone() },
            Error::FeatureOff { what: text(), feature: "candle" },
            Error::Unavailable { repo: text(), reason: text(), source: None },
            Error::Refused { repo: text(), reason: text(), source: None },
            Error::BrokenDownload { path, expected: expected.clone(), got: got.clone() },
            Error::InvalidInput { what: "max_tokens", expected, got },
            Error::Load { source: Arc::new(Error::MissingFile { path: "c".into(), expected: text() }) },
        ];
        for error in errors {
            let Failure::Model(came) = other(FAILED, &failed(&error)) else { panic!("{error}") };
            assert_eq!(
                (came.kind(), came.is_permanent(), came.to_string()),
                (error.kind(), error.is_permanent(), error.to_string())
            );
        }
    }

    #[test]
    fn what_is_no_error_is_not_taken_for_one() {
        let good = failed(&Error::Compute { reason: "a reason".into() });
        let unknown = Out::default().number(99).number(0).text("x").0;
        for body in [&good[..good.len() - 1], &[&good[..], b"x"].concat(), &unknown, b""] {
            assert!(matches!(other(FAILED, body), Failure::Way(_)), "{body:?}");
        }
        assert!(matches!(other(99, &good), Failure::Way(_)));
        // A reason of any length fits a message.
        let long = Error::InvalidInput {
            what: "model",
            expected: "é".repeat(MAX_WORDS),
            got: "é".repeat(MAX_WORDS),
        };
        assert!(failed(&long).len() < MAX_WORDS);
    }
}
