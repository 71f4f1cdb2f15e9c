//! What became of a commit that was not confirmed.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio_postgres::types::Type;

use super::session::Session;
use super::transaction::{Mode, Transaction, Witness};
use super::{Shared, Statement};
use crate::Error;
use crate::schema::TURN;

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// Whether the transaction's token is there, and which server this is. The table and the function are the schema's.
const STATUS: &str = "SELECT EXISTS (SELECT FROM writer WHERE token = $1), server_life()";

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
    /// It is another server, which may not have got it yet.
    Unknown,
}

/// Takes the writers' turn first: the transaction had it, so it is over by then, and what it wrote is there or will never be. Its
/// number would say less: a server that crashed gives the numbers of transactions that it forgot to others.
fn ask_once(shared: &Arc<Shared>, witness: &Witness) -> Result<Status, Error> {
    let turn: Statement<'_> = (TURN, &[(&shared.address.schema, Type::TEXT)]);
    let token: Statement<'_> = (STATUS, &[(&witness.token, Type::TEXT)]);
    let (_, rows) = Transaction::begin(Session::take_other(shared, None)?, Mode::Write, 0, &[turn, token])?;
    let Some(row) = rows.get(1).and_then(|rows| rows.first()) else { return Ok(Status::Unknown) };
    let (is_there, server): (bool, String) = (row.try_get(0)?, row.try_get(1)?);
    Ok(match is_there {
        true => Status::Committed,
        false if server == witness.server => Status::Undone,
        false => Status::Unknown,
    })
}
