//! The caller's own model
//!
//! A model that the program brings: a function that turns texts into rows of numbers.
//!
//!     rekall_embedder model = REKALL_EMBEDDER_INIT;
//!     rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
//!     rekall_db *other = NULL;
//!     model.name = "letters, version 1"; // another name once its vectors mean something else
//!     model.dimensions = 26;
//!     model.embed = count_letters; // a rekall_embed_fn
//!     options.embedder = &model;
//!     status = rekall_open("own-model.db", &options, &other, &error);
//!     rekall_close(other);

use std::ffi::{c_char, c_void};
use std::ops::ControlFlow;

use rekall::Embedder;
use rekall::model::{Embeddings, Error as ModelError, Fingerprint, Progress};

use crate::boundary::error::Failure;
use crate::boundary::options::{self, sized};
use crate::boundary::status::{
    REKALL_INTERRUPTED, REKALL_MODEL_UNAVAILABLE, REKALL_OK, Status, rekall_status_name,
};
use crate::boundary::text::{self, Str};
use crate::boundary::thread_state::{in_callback, note_callback_failure};
use crate::callbacks::events::DestroyFn;
use crate::callbacks::user_data::{DestroyOnce, UserData};

/// Texts handed to the caller's function at a time, between which a call can be stopped.
const AT_ONCE: usize = 64;

/// As a purpose: the text is to be found.
pub const REKALL_EMBED_DOCUMENT: u32 = 0;
/// As a purpose: the text is to search with. Some models treat the two differently.
pub const REKALL_EMBED_QUERY: u32 = 1;

/// Turns texts into vectors: count texts into count * dimensions numbers, row after row, all zero at the call. Rows of
/// any length are fine, the library brings them to length 1. A row left zero means that the model makes nothing of the
/// text. Return REKALL_OK; REKALL_MODEL_UNAVAILABLE when there is no model now (entries are then stored without
/// vectors, hybrid searches use words); REKALL_INTERRUPTED to stop the call; anything else fails it with
/// REKALL_CALLBACK. Called on the threads that call the library (it makes vectors on no thread of its own), also on
/// several at once.
pub type EmbedFn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        purpose: u32,
        texts: *const Str,
        count: usize,
        out_vectors: *mut f32,
        dimensions: usize,
    ) -> Status,
>;

/// Counts the tokens of a text as the model sees them. (size_t)-1 says that it cannot, and fails the call with
/// REKALL_CALLBACK.
pub type CountTokensFn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, text: *const c_char, len: usize) -> usize>;

/// A model of the caller's own, instead of one that the library loads. Start from REKALL_EMBEDDER_INIT; the library
/// copies it. The functions must not throw, longjmp, or call back into the same handle.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct HostEmbedder {
    /// sizeof(rekall_embedder).
    pub struct_size: usize,
    /// The model's name, NUL-terminated. With the dimensions it is what tells vectors of two models apart: change it
    /// whenever the model's vectors change their meaning.
    pub name: *const c_char,
    /// Numbers in a vector, 1 or more.
    pub dimensions: usize,
    /// The longest text that embed takes, in tokens; longer ones are split first, and each piece gets a vector. 0: any.
    pub max_tokens: usize,
    /// Counts tokens for max_tokens. NULL: bytes are counted.
    pub count_tokens: CountTokensFn,
    /// Makes vectors. Not NULL.
    pub embed: EmbedFn,
    /// Handed to the functions.
    pub user_data: *mut c_void,
    /// Called exactly once when user_data is not needed any more: after the rekall_close() of the
    /// memory and of the last of its scopes, when another model took over, or
    /// before the call that was given this struct returns with an error (but not when struct_size itself is wrong, and the
    /// struct so cannot be read). NULL: nobody.
    pub destroy: DestroyFn,
    /// Bytes of memory that the model takes, for model_bytes of rekall_stats; 0: not known.
    pub memory_bytes: u64,
}

sized!(HostEmbedder, ..memory_bytes => "rekall_embedder");

/// As REKALL_EMBEDDER_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_embedder_init(embedder: *mut HostEmbedder, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { options::init(embedder, struct_size) }
}

/// The caller's model as the library sees it.
pub(crate) struct CallbackEmbedder {
    fingerprint: Fingerprint,
    dimensions: usize,
    max_tokens: Option<usize>,
    count_tokens: CountTokensFn,
    memory_bytes: usize,
    embed: unsafe extern "C" fn(*mut c_void, u32, *const Str, usize, *mut f32, usize) -> Status,
    user_data: UserData,
    /// Shared with the handle, so that a call back into it is noticed.
    identity: usize,
    _end: DestroyOnce,
}

impl CallbackEmbedder {
    /// Takes over an embedder. From here on `destroy` is called, whatever else fails.
    ///
    /// # Safety
    /// `embedder` is NULL or points to a struct with valid members.
    pub(crate) unsafe fn new(
        embedder: *const HostEmbedder,
        identity: usize,
    ) -> Result<Option<Self>, Failure> {
        // SAFETY: as promised by the caller.
        let Some(given) = (unsafe { options::read(embedder)? }) else { return Ok(None) };
        let user_data = UserData(given.user_data);
        let end = DestroyOnce::new(given.destroy, user_data, identity);
        // SAFETY: as promised by the caller.
        let name = unsafe { text::required_name(given.name, "rekall_embedder.name")? };
        if name.is_empty() {
            return Err(Failure::invalid("rekall_embedder.name is empty"));
        }
        if given.dimensions == 0 || given.dimensions > u16::MAX.into() {
            let got = given.dimensions;
            return Err(Failure::invalid(format!(
                "rekall_embedder.dimensions must be 1 to 65535, got {got}"
            )));
        }
        let embed = given.embed.ok_or_else(|| Failure::null("rekall_embedder.embed"))?;
        Ok(Some(Self {
            fingerprint: Fingerprint::external(name, given.dimensions),
            dimensions: given.dimensions,
            max_tokens: (given.max_tokens > 0).then_some(given.max_tokens),
            count_tokens: given.count_tokens,
            memory_bytes: usize::try_from(given.memory_bytes).unwrap_or(usize::MAX),
            embed,
            user_data,
            identity,
            _end: end,
        }))
    }

    /// The rows as the caller's function left them.
    fn ask(&self, texts: &[&str], purpose: u32) -> Result<Vec<f32>, ModelError> {
        let list: Vec<Str> =
            texts.iter().map(|text| Str { data: text.as_ptr().cast(), len: text.len() }).collect();
        let mut rows = vec![0.0; texts.len() * self.dimensions];
        // SAFETY: the caller's function, called as its type says: the list and the rows have the sizes given.
        let status = in_callback(self.identity, || unsafe {
            let data = self.user_data.get();
            (self.embed)(data, purpose, list.as_ptr(), list.len(), rows.as_mut_ptr(), self.dimensions)
        });
        match status {
            REKALL_OK => Ok(rows),
            REKALL_INTERRUPTED => Err(ModelError::Cancelled { done: 0, total: texts.len() }),
            REKALL_MODEL_UNAVAILABLE => Err(ModelError::Unavailable {
                repo: self.fingerprint.model().to_owned(),
                reason: "the host's embedder says so".to_owned(),
                source: None,
            }),
            other => Err(failed(format!("the host's embedder returned {}", named(other)))),
        }
    }

    /// The rows, brought to length 1, and which of them are zero.
    fn embed(&self, texts: &[&str], purpose: u32) -> Result<(Vec<f32>, Vec<usize>), ModelError> {
        let mut zero = Vec::new();
        if texts.is_empty() {
            return Ok((Vec::new(), zero));
        }
        let mut rows = self.ask(texts, purpose)?;
        for (index, row) in rows.chunks_exact_mut(self.dimensions).enumerate() {
            if let Some(at) = row.iter().position(|value| !value.is_finite()) {
                let value = row[at];
                return Err(failed(format!(
                    "the host's embedder gave {value} for text {index}, component {at}"
                )));
            }
            let norm = row.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt();
            if norm < f64::from(f32::MIN_POSITIVE) {
                row.fill(0.0);
                zero.push(index);
                continue;
            }
            for value in row {
                *value = (f64::from(*value) / norm) as f32;
            }
        }
        Ok((rows, zero))
    }
}

fn failed(reason: String) -> ModelError {
    note_callback_failure();
    ModelError::Compute { reason }
}

pub(crate) fn named(status: Status) -> String {
    // SAFETY: the names are static and NUL-terminated.
    let name = unsafe { std::ffi::CStr::from_ptr(rekall_status_name(status)) };
    format!("{status} ({})", name.to_string_lossy())
}

impl Embedder for CallbackEmbedder {
    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn max_tokens(&self) -> Option<usize> {
        self.max_tokens
    }

    fn count_tokens(&self, text: &str) -> Result<usize, ModelError> {
        let Some(count) = self.count_tokens else { return Ok(text.len()) };
        // SAFETY: the caller's function, called as its type says.
        let tokens = in_callback(self.identity, || unsafe {
            count(self.user_data.get(), text.as_ptr().cast(), text.len())
        });
        if tokens == usize::MAX {
            return Err(failed("the host's embedder cannot count the tokens of a text".to_owned()));
        }
        Ok(tokens)
    }

    fn embed_documents(&self, texts: &[&str]) -> Result<Vec<f32>, ModelError> {
        let (rows, zero) = self.embed(texts, REKALL_EMBED_DOCUMENT)?;
        zero.first().map_or(Ok(rows), |&index| Err(ModelError::Unembeddable { index }))
    }

    fn embed_query(&self, text: &str) -> Result<Vec<f32>, ModelError> {
        let (row, zero) = self.embed(&[text], REKALL_EMBED_QUERY)?;
        zero.first().map_or(Ok(row), |&index| Err(ModelError::Unembeddable { index }))
    }

    fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// Each text is given to the model once, however many of them it makes nothing of.
    fn embed_documents_observed(
        &self,
        texts: &[&str],
        observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Embeddings, ModelError> {
        let mut result = Embeddings::zeroed(texts.len(), self.dimensions);
        let (mut done, mut tokens) = (0, 0_usize);
        for batch in texts.chunks(AT_ONCE) {
            let (rows, zero) = self.embed(batch, REKALL_EMBED_DOCUMENT)?;
            result.rows[done * self.dimensions..][..rows.len()].copy_from_slice(&rows);
            result.unembeddable.extend(zero.iter().map(|index| done + index));
            for text in batch {
                let count = self.count_tokens(text)?;
                result.token_counts[done] = u32::try_from(count).unwrap_or(u32::MAX);
                if self.max_tokens.is_some_and(|most| count > most) {
                    result.truncated.push(done);
                }
                tokens = tokens.saturating_add(count);
                done += 1;
            }
            if observe(Progress { texts: done, total: texts.len(), tokens }).is_break() {
                return Err(ModelError::Cancelled { done, total: texts.len() });
            }
        }
        Ok(result)
    }
}
