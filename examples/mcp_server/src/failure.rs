//! What can go wrong in a call, told so that a model can do something about it.

use rekall::{Error, ErrorKind};

use crate::tokens;

/// What a message may cost, in tokens.
const MESSAGE: usize = 300;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The arguments are not what the tool's schema asks for.
    #[error("{0}")]
    Arguments(String),
    /// The library refused or failed.
    #[error(transparent)]
    Rekall(#[from] Error),
    /// A bug in this program.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Failure {
    /// The message for the model: what went wrong, and what can be done now.
    pub(crate) fn told(&self) -> String {
        let advice = match self {
            Self::Arguments(_) => "Nothing was changed. Correct the arguments and call again.",
            Self::Rekall(error) => advice(error.kind()),
            Self::Internal(_) => "Tell the user that this is a bug of the memory server.",
        };
        // Errors quote what was given, however long that was.
        let message = tokens::cut(&self.to_string(), MESSAGE);
        format!("{}. {advice}", message.trim_end_matches('.'))
    }
}

impl From<rekall::storage::Error> for Failure {
    fn from(error: rekall::storage::Error) -> Self {
        Self::Rekall(error.into())
    }
}

fn advice(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidInput => "Nothing was changed. Correct the arguments and call again.",
        ErrorKind::NotFound => {
            "Nothing was changed. The id may be mistyped, or the note was forgotten: look for it with recall or \
             recent, which show ids."
        }
        ErrorKind::Busy => "Another program is writing to the memory. Nothing was changed: call again.",
        ErrorKind::Interrupted => "The call was cancelled. Nothing was changed.",
        ErrorKind::Full => "Nothing was changed. Tell the user that the disk is full.",
        ErrorKind::ReadOnly => {
            "The memory can be read, not changed. Tell the user that its file or folder is write-protected."
        }
        ErrorKind::Io => {
            "Tell the user that the memory's file cannot be used; if it was moved or replaced, this server has to be \
             restarted."
        }
        ErrorKind::Corrupt => {
            "Tell the user that the memory's file is damaged: rekall's commands check and repair look for what can \
             be saved."
        }
        ErrorKind::OutOfMemory => {
            "Tell the user that the machine is out of memory, or call again with a smaller limit."
        }
        ErrorKind::InvalidModel | ErrorKind::Unsupported => {
            "Nothing was changed. Tell the user that the memory's model cannot be used as it is, and what the message says."
        }
        _ => "Calling again will not help: tell the user what the message says.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_says_what_to_do() {
        let told = Failure::from(Error::EmptyQuery).told();
        assert_eq!(told, "the query is empty. Nothing was changed. Correct the arguments and call again.");
        let id = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        assert!(Failure::from(Error::NotEmbedded { id }).told().contains("recall"));
        let long = Failure::Arguments("x".repeat(100_000)).told();
        assert!(tokens::estimate(&long) < MESSAGE + 40 && long.ends_with("call again."), "{long}");
    }
}
