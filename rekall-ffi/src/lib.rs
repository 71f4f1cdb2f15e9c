//! The C ABI of rekall: what `include/rekall.h` declares.
//!
//! Written for C: the documentation of each exported item goes into the header word for word, and the
//! header's first comment has the rules that hold for all of them. The Rust side of those rules:
//!
//! - Every function goes through `boundary`: no panic leaves it, an error becomes a status and an object.
//! - Check, convert, call the facade, write the outputs; nothing else happens here.
//! - What comes from C is an integer or a raw pointer until it was looked at: no reference, `bool` or enum.
#![warn(missing_docs)]
#![allow(
    clippy::missing_safety_doc,
    reason = "the header's first comment has the rules for pointers; each function says what is special to it"
)]
#![allow(rustdoc::broken_intra_doc_links, reason = "the comments are for C: [ ] there means optional")]

mod boundary;
mod callbacks;
mod calls;
mod entries;
mod file;
mod model;
mod search;
mod sources;

#[cfg(debug_assertions)]
#[doc(hidden)]
pub use boundary::testing;
pub use boundary::*;
pub use callbacks::*;
pub use calls::*;
pub use entries::*;
pub use file::*;
pub use model::*;
pub use search::*;
pub use sources::*;
