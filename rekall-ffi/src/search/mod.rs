//! Searches and what they find.

pub(crate) mod batch;
pub(crate) mod filter;
pub(crate) mod hits;
pub(crate) mod passage;
pub(crate) mod recall;
pub(crate) mod selftest;
pub(crate) mod similar;

pub use batch::*;
pub use filter::*;
pub use hits::*;
pub use passage::*;
pub use recall::*;
pub use selftest::*;
pub use similar::*;
