//! The C ABI of rekall: what `include/rekall.h` declares.
//!
//! Written for C: the documentation of each exported item goes into the header word for word, and the
//! header's first comment has the rules that hold for all of them. The Rust side of those rules:
//!
//! - Every function goes through `guard`: no panic leaves it, an error becomes a status and an object.
//! - Check, convert, call the facade, write the outputs; nothing else happens here.
//! - What comes from C is an integer or a raw pointer until it was looked at: no reference, `bool` or enum.
#![warn(missing_docs)]
#![allow(
    clippy::missing_safety_doc,
    reason = "the header's first comment has the rules for pointers; each function says what is special to it"
)]
#![allow(rustdoc::broken_intra_doc_links, reason = "the comments are for C: [ ] there means optional")]

mod batch;
mod cancel;
mod change;
mod clock;
mod embed;
mod entries;
mod entry;
mod error;
mod events;
mod filter;
mod guard;
mod handle;
mod hits;
mod lazy;
mod links;
mod list;
mod listener;
mod load;
mod model;
mod open;
mod options;
mod own_embedder;
mod place;
mod recall;
mod reembed;
mod remember;
mod report;
mod selftest;
mod similar;
mod stats;
mod status;
#[cfg(debug_assertions)]
#[doc(hidden)]
pub mod testing;
mod text;
mod trace;
mod transfer;
mod upkeep;
mod version;
mod watch;

pub use batch::*;
pub use cancel::*;
pub use change::*;
pub use clock::*;
pub use embed::*;
pub use entries::*;
pub use entry::*;
pub use error::*;
pub use events::*;
pub use filter::*;
pub use handle::*;
pub use hits::*;
pub use links::*;
pub use list::*;
pub use load::*;
pub use model::*;
pub use open::*;
pub use own_embedder::*;
pub use recall::*;
pub use reembed::*;
pub use remember::*;
pub use report::*;
pub use selftest::*;
pub use similar::*;
pub use stats::*;
pub use status::*;
pub use text::*;
pub use transfer::*;
pub use upkeep::*;
pub use version::*;
pub use watch::*;
