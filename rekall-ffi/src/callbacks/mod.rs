//! What the host hands over to be called, and how it stops what runs.

pub(crate) mod cancel;
pub(crate) mod clock;
pub(crate) mod events;
pub(crate) mod listener;
pub(crate) mod own_embedder;
pub(crate) mod trace;
pub(crate) mod watch;

pub use cancel::*;
pub use clock::*;
pub use events::*;
pub use own_embedder::*;
pub use watch::*;
