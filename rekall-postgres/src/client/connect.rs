//! Making a connection.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_postgres::Client;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::Error;
use crate::url::Address;

/// Between two tries at a server that is not ready yet.
const PAUSE: Duration = Duration::from_millis(50);

/// Connects, in the I/O thread. A server that says that it is starting is waited for, within the time that connecting may take.
///
/// # Errors
/// [`Error::Unreachable`], [`Error::Refused`]; [`Error::Busy`] when the server has no connection left.
pub(super) async fn connect(
    address: Arc<Address>,
    tls: MakeRustlsConnect,
    presence: Option<mpsc::Sender<()>>,
) -> Result<Client, Error> {
    let limit = address.connect_timeout();
    let deadline = Instant::now() + limit;
    let server = || address.to_string();
    loop {
        match timeout_at(deadline, address.config.connect(tls.clone())).await {
            Err(_) => {
                return Err(Error::Unreachable {
                    server: server(),
                    problem: format!("no connection within {} s", limit.as_secs_f32()),
                });
            }
            Ok(Err(error)) if Error::is_starting(&error) && Instant::now() + PAUSE < deadline => {
                sleep(PAUSE).await
            }
            Ok(Err(error)) => return Err(Error::while_connecting(&error, server())),
            Ok(Ok((client, connection))) => {
                tokio::spawn(async move {
                    // Those who wait for an answer are told; for all others it is a connection less.
                    if let Err(error) = connection.await {
                        tracing::debug!(%error, "a connection to the server ended");
                    }
                    drop(presence);
                });
                return Ok(client);
            }
        }
    }
}
