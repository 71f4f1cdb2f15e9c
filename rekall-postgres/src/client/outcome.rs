//! What became of a commit that was not confirmed.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio_postgres::types::Type;

use super::session::Session;
use super::transaction::{Mode, Transaction, Witness};
use super::{Shared, Statement};
use crate::Error;

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// What the server says of a transaction, and which one it is. The function is the schema's.
const STATUS: &str = "SELECT pg_xact_status($1::text::xid8), server_life()";

/// Asks until the server knows, for as long as connecting may take.
///
/// # Errors
/// [`Error::ConnectionLost`] if the transaction did not happen, [`Error::CommitUnknown`] if nobody can say.
pub(super) fn ask(shared: &Arc<Shared>, witness: Option<&Witness>, problem: String) -> Result<(), Error> {
    let Some(witness) = witness else { return Err(Error::CommitUnknown { problem }) };
    let deadline = Instant::now() + shared.address.connect_timeout();
    loop {
        match ask_once(shared, witness) {
            Ok(Status::Committed) => return Ok(()),
            Ok(Status::Undone) => return Err(Error::ConnectionLost { problem }),
            Ok(Status::Unknown) => return Err(Error::CommitUnknown { problem }),
            Ok(Status::Running) => {}
            Err(error) => tracing::debug!(%error, "the server cannot be asked about a commit yet"),
        }
        if Instant::now() + PAUSE >= deadline {
            return Err(Error::CommitUnknown { problem });
        }
        thread::sleep(PAUSE);
    }
}

enum Status {
    Committed,
    Undone,
    /// The server has not noticed yet that nobody waits.
    Running,
    /// It is another server, or forgot.
    Unknown,
}

fn ask_once(shared: &Arc<Shared>, witness: &Witness) -> Result<Status, Error> {
    let number: Statement<'_> = (STATUS, &[(&witness.number, Type::TEXT)]);
    // A number that the server has not given yet is an error: it is another one.
    let (_, rows) = Transaction::begin(Session::take_other(shared, None)?, Mode::Read, &[number])?;
    let Some(row) = rows.first().and_then(|rows| rows.first()) else { return Ok(Status::Unknown) };
    let (status, server): (Option<String>, String) = (row.try_get(0)?, row.try_get(1)?);
    Ok(match status.as_deref() {
        _ if server != witness.server => Status::Unknown,
        Some("committed") => Status::Committed,
        Some("aborted") => Status::Undone,
        Some("in progress") => Status::Running,
        _ => Status::Unknown,
    })
}
