//! Text without a structure: one section.

use super::outline::Outline;

pub(super) fn outline(text: &str) -> Outline<'_> {
    Outline::of(text)
}
