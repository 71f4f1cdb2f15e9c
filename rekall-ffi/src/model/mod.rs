//! The model: loading, unloading, vectors, another one in its place.

pub(crate) mod embed;
pub(crate) mod embed_texts;
pub(crate) mod lifecycle;
pub(crate) mod load;
pub(crate) mod reembed;
pub(crate) mod spaces;

pub use embed::*;
pub use embed_texts::*;
pub use lifecycle::*;
pub use load::*;
pub use reembed::*;
pub use spaces::*;
