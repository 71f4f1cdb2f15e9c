//! One loaded transformer, a model or a reranker, for the processes of one user.
//!
//! The first process that loads a model is its host: it has a lock and a socket in a folder that is the user's alone (on Windows the
//! name of a pipe), and threads that answer. The others send texts there and get rows, or scores. When the host ends, the system frees
//! the lock, and the next call of another process takes its place, or finds the process that has. A process that cannot have it so
//! does the work itself: the host saves memory, and is never why there is no answer.

mod client;
mod error;
mod failure;
mod hosted;
mod kind;
mod message;
mod observed;
mod place;
mod scores;
mod server;
mod transport;
mod vectors;
mod wire;

pub(crate) use scores::HostedReranker;
pub(crate) use vectors::HostedEmbedder;
