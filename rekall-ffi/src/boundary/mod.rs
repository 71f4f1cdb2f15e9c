//! What every function goes through: panics, errors, objects, texts, option structs, outputs. It knows nothing of the rest.

pub(crate) mod error;
pub(crate) mod fallible;
pub(crate) mod lazy_string;
pub(crate) mod limits;
pub(crate) mod options;
pub(crate) mod out;
pub(crate) mod panics;
pub(crate) mod registry;
pub(crate) mod report;
pub(crate) mod status;
#[cfg(debug_assertions)]
#[doc(hidden)]
pub mod testing;
pub(crate) mod text;
pub(crate) mod thread_state;
pub(crate) mod uncancelled;
pub(crate) mod version;

pub use error::*;
pub use limits::*;
pub use report::*;
pub use status::*;
pub use text::*;
pub use version::*;
