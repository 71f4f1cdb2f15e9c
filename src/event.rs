//! What a host is notified of while the library works, which never prints.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::EntryId;
use crate::serialize::milliseconds;

/// Something a host may want to show or log.
///
/// Events come on the thread that does the work, also several at once from several threads. A callback must
/// be quick and must not call back into the same [`Rekall`](crate::Rekall).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A model is being loaded, searches by meaning wait for it; or a reranker, and searches that re-rank.
    ModelLoading {
        /// Which one.
        model: String,
    },
    /// It is ready.
    ModelLoaded {
        /// Which one.
        model: String,
        /// How long it took.
        #[serde(rename = "elapsed_ms", serialize_with = "milliseconds")]
        elapsed: Duration,
        /// Heap it holds, in bytes.
        bytes: usize,
    },
    /// It could not be loaded; the next call that needs it tries again.
    ModelLoadFailed {
        /// Which one.
        model: String,
        /// Why.
        reason: String,
    },
    /// It was let go.
    ModelUnloaded {
        /// Which one.
        model: String,
        /// Heap it held, in bytes.
        bytes: usize,
    },
    /// The vector index was filled from the file.
    IndexLoaded {
        /// Vectors in it.
        rows: usize,
        /// How long it took.
        #[serde(rename = "elapsed_ms", serialize_with = "milliseconds")]
        elapsed: Duration,
    },
    /// Vectors in the file that no search can use; `check` names them.
    UnusableVectors {
        /// How many.
        count: usize,
    },
    /// An entry was stored without vectors: words find it, meaning does not yet.
    NotEmbedded {
        /// The entry.
        id: EntryId,
        /// Why.
        reason: String,
    },
    /// With [`Builder::secure_delete`](crate::Builder::secure_delete): a write is done, but what it overwrote
    /// or forgot could not be erased from the disk yet. The next write tries again, and so does
    /// [`Rekall::compact`](crate::Rekall::compact).
    NotErased {
        /// Why.
        reason: String,
    },
    /// A reader, in this process or another one, has kept the file's write-ahead log from starting over
    /// for so long that it is over 64 MiB: one that holds its view (an export, a backup, a `Store::read` that
    /// was not dropped), or many that overlap. Told again each time that the log has doubled. The log goes
    /// into the file when the reader is gone; the write that does it takes the longer, the longer the log is.
    LongReader {
        /// Bytes of the log.
        log_bytes: u64,
    },
}

type Callback = dyn Fn(&Event) + Send + Sync;

/// The host's callback, or none.
#[derive(Clone, Default)]
pub(crate) struct Events(Option<Arc<Callback>>);

impl Events {
    pub(crate) fn new(callback: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(callback)))
    }

    pub(crate) fn send(&self, event: &Event) {
        tracing::debug!(?event);
        if let Some(callback) = &self.0 {
            callback(event);
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Events(callback)" } else { "Events(none)" })
    }
}
