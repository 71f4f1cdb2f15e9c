//! What every function goes through: panics, errors, handles, texts, option structs, outputs.

pub(crate) mod error;
pub(crate) mod guard;
pub(crate) mod handle;
pub(crate) mod init;
pub(crate) mod lazy;
pub(crate) mod live;
pub(crate) mod options;
pub(crate) mod place;
pub(crate) mod status;
#[cfg(debug_assertions)]
#[doc(hidden)]
pub mod testing;
pub(crate) mod text;
pub(crate) mod uncancelled;
pub(crate) mod version;

pub use error::*;
pub use handle::*;
pub use init::*;
pub use status::*;
pub use text::*;
pub use version::*;
