//! Counting round trips.

/// How often the calling thread has waited for a server's answer.
///
/// Statements that are sent together count once. What a rollback takes counts nothing, since nobody waits for it.
#[must_use]
pub fn trips() -> u64 {
    crate::client::trips::made()
}
