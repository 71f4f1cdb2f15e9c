//! How values of other crates are written by serde.

use std::time::Duration;

use rekall_core::Role;
use serde::{Serialize, Serializer};

/// Milliseconds, to the microsecond.
pub(crate) fn milliseconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    ((time.as_secs_f64() * 1e6).round() / 1e3).serialize(serializer)
}

/// `summary` or `context`.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for this signature")]
pub(crate) fn role_name<S: Serializer>(role: &Role, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(role.name())
}
