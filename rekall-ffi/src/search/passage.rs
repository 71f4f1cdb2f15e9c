//! The passage that a hit is about

use std::ffi::c_char;

use crate::boundary::out::Out;
use crate::boundary::text::owned;
use crate::search::hits::{HitObject, Hits, LentPassage, hit};

/// A piece of an entry's text, in bytes of UTF-8. Never grows.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Passage {
    /// The whole text that the piece is of, NUL-terminated; it belongs to the hits. See rekall_chunk.
    pub text: *const c_char,
    /// Its length in bytes.
    pub text_len: usize,
    /// Where the piece begins in text.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// Where the part of it that is the entry's content begins, in bytes of rekall_entry_content().
    pub content_start: usize,
    /// One past that part's last byte; equal to content_start when the piece has none of the content.
    pub content_end: usize,
}

impl Passage {
    const NONE: Self =
        Self { text: std::ptr::null(), text_len: 0, start: 0, end: 0, content_start: 0, content_end: 0 };
}

impl HitObject {
    fn lent_passage(&self) -> Option<&LentPassage> {
        let chunk = self.chunk?;
        Some(self.passage.get_or_init(|| {
            let passage = chunk.passage(&self.entry.entry);
            LentPassage { text: owned(&passage.text), passage }
        }))
    }
}

/// The passage that the hit is about, as rekall_hits_chunk() tells it in characters, here in bytes: for a program
/// that shows it, or marks it in the content. Returns 1 and sets out, which may be NULL, when there is one; else 0, and out
/// is all 0. The text is made when it is first asked for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_hits_passage(hits: *const Hits, index: usize, out: *mut Passage) -> i32 {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        let out = Out::optional(out, Passage::NONE);
        hit(hits, index, 0, |hit| {
            let LentPassage { passage, text } = hit.lent_passage()?;
            let content = passage.content.clone().unwrap_or_default();
            out.set(Passage {
                text: text.as_ptr().cast(),
                text_len: passage.text.len(),
                start: passage.bytes.start,
                end: passage.bytes.end,
                content_start: content.start,
                content_end: content.end,
            });
            Some(1)
        })
    }
}
