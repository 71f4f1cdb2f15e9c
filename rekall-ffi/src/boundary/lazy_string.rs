//! Text for C, made when it is first asked for: most hits are never read to the last field.

use std::sync::OnceLock;

use crate::boundary::text::owned;

/// A NUL-terminated copy of a text that its owner keeps unchanged.
#[derive(Default)]
pub(crate) struct LazyString(OnceLock<Box<[u8]>>);

impl LazyString {
    pub(crate) fn get(&self, text: impl FnOnce() -> String) -> &[u8] {
        self.0.get_or_init(|| {
            let mut bytes = text().into_bytes();
            bytes.push(0);
            bytes.into_boxed_slice()
        })
    }

    pub(crate) fn of(&self, text: &str) -> &[u8] {
        self.0.get_or_init(|| owned(text))
    }
}

/// Such copies of a list.
#[derive(Default)]
pub(crate) struct LazyStrings(OnceLock<Box<[LazyString]>>);

impl LazyStrings {
    pub(crate) fn get(&self, list: &[String], index: usize) -> Option<&[u8]> {
        let copies = self.0.get_or_init(|| list.iter().map(|_| LazyString::default()).collect());
        Some(copies.get(index)?.of(list.get(index)?))
    }
}
