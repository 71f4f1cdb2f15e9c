//! An open file, and the calls that run on it: how they begin, are watched, and are stopped.

pub(crate) mod call;
pub(crate) mod handle;
pub(crate) mod running;
pub(crate) mod stoppable;
pub(crate) mod token;
pub(crate) mod watch;

pub use handle::*;
pub use token::*;
pub use watch::*;
