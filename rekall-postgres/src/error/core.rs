//! The same errors as the library's.

use rekall_core::Error as CoreError;

use super::Error;
use crate::store::ENGINE;

impl From<Error> for CoreError {
    fn from(error: Error) -> Self {
        match error {
            Error::Interrupted => Self::Interrupted,
            Error::Busy { detail } => Self::Busy { detail },
            Error::ReadOnly { detail } => Self::ReadOnly { what: format!("the memory ({detail})") },
            Error::Full { detail } => Self::Full { detail },
            Error::Corrupt { detail } => Self::Corrupt { detail },
            other => Self::Engine { engine: ENGINE, kind: other.kind(), source: Box::new(other) },
        }
    }
}
