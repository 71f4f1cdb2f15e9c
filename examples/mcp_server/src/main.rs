//! An assistant's memory: a server of the Model Context Protocol (<https://modelcontextprotocol.io>) on the standard
//! input and output, over one rekall file.
//!
//! ```text
//! cargo build --release -p rekall-mcp-server
//! target/release/rekall-mcp-server --db notes.db
//! ```
//!
//! `docs/mcp.md` says how a host is told about it. The standard output belongs to the protocol; all that is said to
//! people goes to the standard error.
#![forbid(unsafe_code)]
#![allow(clippy::print_stderr, reason = "a program")]

mod arguments;
mod failure;
mod memory;
mod note;
mod options;
mod server;
mod tokens;
mod tools;

// Where the database is, how a date is written, what a hit is about, where a note comes from: the same as in the command
// line program.
#[allow(dead_code, reason = "shared with the command line program")]
#[path = "../../cli/date.rs"]
mod date;
#[path = "../../cli/differing.rs"]
mod differing;
#[path = "../../cli/excerpt.rs"]
mod excerpt;
#[allow(dead_code, reason = "shared with the command line program")]
#[path = "../../cli/origin.rs"]
mod origin;
#[path = "../../cli/place.rs"]
mod place;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use rmcp::transport::stdio_pipes;
use tokio_util::sync::CancellationToken;

use memory::Memory;
use options::Options;
use server::MemoryServer;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// How long calls that are under way may go on once the server is to end.
const GRACE: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rekall-mcp-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Outcome {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_max_level(options.log)
        .init();
    let memory = Memory::open(options)?;
    // The library works on threads of its own (`Memory::call`); this one only reads and writes messages.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(memory::THREADS)
        .build()?;
    let served = runtime.block_on(serve(memory.clone()));
    memory.stop();
    // Waits for calls under way, which end now, but not for a standard input that cannot be read without blocking.
    runtime.shutdown_timeout(GRACE);
    served
}

/// Serves until the host closes the standard input, or the process is told to end.
async fn serve(memory: Memory) -> Outcome {
    let ending = CancellationToken::new();
    let mut told = Box::pin(told_to_end()?);
    let starting = MemoryServer::new(memory)?.serve_with_ct(stdio_pipes(), ending.clone());
    let service = tokio::select! {
        started = starting => match started {
            Ok(service) => service,
            // A host that only looked whether the program starts.
            Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        },
        () = &mut told => return Ok(()),
    };
    let mut serving = Box::pin(service.waiting());
    let reason = tokio::select! {
        reason = &mut serving => reason,
        () = &mut told => {
            ending.cancel();
            serving.await
        }
    };
    tracing::info!(reason = ?reason?, "ended");
    Ok(())
}

/// Is ready when a signal asks the process to end.
#[cfg(unix)]
fn told_to_end() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Is ready when Ctrl-C asks the process to end.
#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "as on Unix")]
fn told_to_end() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler there is only the end of the input.
            std::future::pending::<()>().await;
        }
    })
}
