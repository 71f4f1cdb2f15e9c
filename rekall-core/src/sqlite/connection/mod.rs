//! Connections to the file: opened, checked and pooled.

mod database;
mod empty_log;
mod examine;
mod open;
mod options;
mod pool;

pub(crate) use database::Database;
pub(crate) use empty_log::{Patience, RealTime, Waiting, empty_log};
pub(crate) use examine::{Examined, examine};
pub(crate) use open::{connect, open_immutable};
pub use options::{StoreOptions, Synchronous};
pub(crate) use pool::{Pooled, Stop, stop_statements};
