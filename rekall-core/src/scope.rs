//! Names of scopes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, limits};

/// Names one of the memories that a store holds: a user, a tenant, a project.
///
/// Names are compared by their bytes. One has 1 to 256 bytes of UTF-8, not all of them white space, and no NUL character.
///
/// ```
/// # use rekall_core::ScopeName;
/// let scope: ScopeName = "tenant-17".parse()?;
/// assert_eq!(scope.as_str(), "tenant-17");
/// assert!(" ".parse::<ScopeName>().is_err());
/// # Ok::<(), rekall_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ScopeName(String);

impl ScopeName {
    /// A name of that text.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::TooLong`], [`Error::Nul`].
    pub fn new(name: impl Into<String>) -> Result<Self, Error> {
        let name = name.into();
        limits::required("name of a scope", &name, limits::NAME_BYTES)?;
        Ok(Self(name))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ScopeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for ScopeName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::new(name)
    }
}

impl TryFrom<String> for ScopeName {
    type Error = Error;

    fn try_from(name: String) -> Result<Self, Error> {
        Self::new(name)
    }
}

impl From<ScopeName> for String {
    fn from(name: ScopeName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_cannot_be_are_refused() {
        let refused = |name: &str| ScopeName::new(name).unwrap_err().to_string();
        assert_eq!(refused(""), "name of a scope is empty");
        assert_eq!(refused("a\0b"), "name of a scope contains a NUL character at byte 1");
        assert_eq!(refused(&"é".repeat(129)), "name of a scope is too long: at most 256 bytes, got 258");
        assert_eq!(ScopeName::new("é".repeat(128)).unwrap().as_str().len(), 256);
    }
}
