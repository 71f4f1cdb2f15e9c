//! A PostgreSQL server for tests: started when the first one asks, stopped when their process is gone.
//!
//! `cargo xtask test` fetches the server and says where it is in `REKALL_TEST_POSTGRES`; without that variable
//! [`Server::shared`] prints a line and gives nothing, and the test returns.
//!
//! ```no_run
//! use rekall_postgres::testing::Server;
//!
//! let Some(server) = Server::shared() else { return };
//! let url = server.memory_url();
//! assert!(url.starts_with("postgres://"));
//! ```
//!
//! The server runs on the loopback interface and on a socket in its own temporary folder, as a user without privileges also
//! where the tests run as root, which PostgreSQL refuses to. `fsync` and `full_page_writes` are off: what a server
//! that was killed has written is still with the operating system, and no test cuts the power. `synchronous_commit` is on, so
//! that a commit is in the log before it is acknowledged. Feature `testing`.

// The server is made for tests: a panic is how it reports.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod account;
mod guard;
mod processes;
mod server;
mod trips;

pub use processes::wait_until;
pub use server::Server;
pub use trips::trips;
