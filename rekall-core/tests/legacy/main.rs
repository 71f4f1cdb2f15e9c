//! Files of the Python tool: recognized, imported, migrated, without loss and without harm to the original.
#![allow(clippy::unwrap_used, clippy::panic)]

mod content;
mod damaged;
mod imports;
mod kill;
mod migration;
mod schemas;
mod support;
