//! The caller's own reranker
//!
//! A function that judges how well passages answer a query, for searches that ask for it (rerank of rekall_recall_options).
//!
//!     rekall_reranker judge = REKALL_RERANKER_INIT;
//!     rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
//!     rekall_db *other = NULL;
//!     judge.name = "short passages first";
//!     judge.rerank = prefer_short; // a rekall_rerank_fn
//!     options.own_reranker = &judge;
//!     status = rekall_open("judged.db", &options, &other, &error);
//!     rekall_close(other);

use std::ffi::{c_char, c_void};
use std::ops::ControlFlow;

use rekall::Reranker;
use rekall::model::{Error as ModelError, Progress};

use crate::boundary::error::Failure;
use crate::boundary::options::{self, sized};
use crate::boundary::status::{REKALL_INTERRUPTED, REKALL_MODEL_UNAVAILABLE, REKALL_OK, Status};
use crate::boundary::text::{self, Str};
use crate::boundary::thread_state::in_callback;
use crate::callbacks::embedder::named;
use crate::callbacks::events::DestroyFn;
use crate::callbacks::user_data::{DestroyOnce, UserData};

/// Passages handed to the caller's function at a time, between which a search can be stopped.
const AT_ONCE: usize = 16;

/// Judges passages: writes count scores, all zero at the call, greater is better, any finite numbers. A passage is what a hit
/// is about, below its title; all texts are valid until the function returns. Return REKALL_OK; REKALL_INTERRUPTED to stop the
/// search; anything else leaves the hits as they were (REKALL_DEGRADED_NOT_RERANKED). Called on the threads that search, also
/// on several at once, with some passages of a search at a time.
pub type RerankFn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        query: Str,
        passages: *const Str,
        count: usize,
        out_scores: *mut f32,
    ) -> Status,
>;

/// A reranker of the caller's own, instead of one that the library loads. Start from REKALL_RERANKER_INIT; the library
/// copies it. The function must not throw, longjmp, or call back into the same handle.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct HostReranker {
    /// sizeof(rekall_reranker).
    pub struct_size: usize,
    /// Its name, NUL-terminated, for messages.
    pub name: *const c_char,
    /// Judges passages. Not NULL.
    pub rerank: RerankFn,
    /// Handed to the function.
    pub user_data: *mut c_void,
    /// Called exactly once when user_data is not needed any more: after the rekall_close() of the
    /// memory and of the last of its scopes, or before the call that was given this
    /// struct returns with an error (but not when struct_size itself is wrong, and the struct so cannot be read). NULL: nobody.
    pub destroy: DestroyFn,
    /// Bytes of memory that it takes, for reranker_bytes of rekall_stats; 0: not known.
    pub memory_bytes: u64,
}

sized!(HostReranker, ..memory_bytes => "rekall_reranker");

/// As REKALL_RERANKER_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_reranker_init(reranker: *mut HostReranker, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { options::init(reranker, struct_size) }
}

/// The caller's reranker as the library sees it.
pub(crate) struct CallbackReranker {
    name: String,
    memory_bytes: usize,
    rerank: unsafe extern "C" fn(*mut c_void, Str, *const Str, usize, *mut f32) -> Status,
    user_data: UserData,
    /// Shared with the handle, so that a call back into it is noticed.
    identity: usize,
    _end: DestroyOnce,
}

impl CallbackReranker {
    /// Takes over a reranker. From here on `destroy` is called, whatever else fails.
    ///
    /// # Safety
    /// `reranker` is NULL or points to a struct with valid members.
    pub(crate) unsafe fn new(
        reranker: *const HostReranker,
        identity: usize,
    ) -> Result<Option<Self>, Failure> {
        // SAFETY: as promised by the caller.
        let Some(given) = (unsafe { options::read(reranker)? }) else { return Ok(None) };
        let user_data = UserData(given.user_data);
        let end = DestroyOnce::new(given.destroy, user_data, identity);
        // SAFETY: as promised by the caller.
        let name = unsafe { text::required_name(given.name, "rekall_reranker.name")? };
        if name.is_empty() {
            return Err(Failure::invalid("rekall_reranker.name is empty"));
        }
        let rerank = given.rerank.ok_or_else(|| Failure::null("rekall_reranker.rerank"))?;
        Ok(Some(Self {
            name: name.to_owned(),
            memory_bytes: usize::try_from(given.memory_bytes).unwrap_or(usize::MAX),
            rerank,
            user_data,
            identity,
            _end: end,
        }))
    }
}

fn borrowed(text: &str) -> Str {
    Str { data: text.as_ptr().cast(), len: text.len() }
}

impl Reranker for CallbackReranker {
    fn model(&self) -> &str {
        &self.name
    }

    fn max_tokens(&self) -> Option<usize> {
        None
    }

    fn scores(&self, query: &str, passages: &[&str]) -> Result<Vec<f32>, ModelError> {
        let list: Vec<Str> = passages.iter().map(|passage| borrowed(passage)).collect();
        let mut scores = vec![0.0; passages.len()];
        // SAFETY: the caller's function, called as its type says: the list and the scores have the size given.
        let status = in_callback(self.identity, || unsafe {
            (self.rerank)(
                self.user_data.get(),
                borrowed(query),
                list.as_ptr(),
                list.len(),
                scores.as_mut_ptr(),
            )
        });
        match status {
            REKALL_OK => Ok(scores),
            REKALL_INTERRUPTED => Err(ModelError::Cancelled { done: 0, total: passages.len() }),
            REKALL_MODEL_UNAVAILABLE => Err(ModelError::Unavailable {
                repo: self.name.clone(),
                reason: "the host's reranker says so".to_owned(),
                source: None,
            }),
            other => {
                let reason = format!("the host's reranker returned {}", named(other));
                Err(ModelError::Compute { reason })
            }
        }
    }

    fn scores_observed(
        &self,
        query: &str,
        passages: &[&str],
        observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Vec<f32>, ModelError> {
        let total = passages.len();
        let mut scores = Vec::with_capacity(total);
        for batch in passages.chunks(AT_ONCE) {
            let texts = scores.len();
            if observe(Progress { texts, total, tokens: 0 }).is_break() {
                return Err(ModelError::Cancelled { done: texts, total });
            }
            scores.extend(self.scores(query, batch)?);
        }
        Ok(scores)
    }

    fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }
}
