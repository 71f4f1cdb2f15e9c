//! What the crates below say through `tracing`, brought to the caller's log: by a subscriber of the calling thread,
//! for the length of a call. No global one is ever set.

use std::fmt::{self, Write};
use std::sync::Arc;

use tracing::dispatcher::{self, DefaultGuard};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

use crate::callbacks::events::{
    REKALL_LOG_DEBUG, REKALL_LOG_ERROR, REKALL_LOG_INFO, REKALL_LOG_TRACE, REKALL_LOG_WARN,
};
use crate::callbacks::listener::Notifier;

/// A handle's way from `tracing` to its log. Made once: `tracing` keeps a list of these behind a lock for the whole process,
/// and asks all of them again what they want to hear whenever one is added.
pub(crate) struct Trace(Dispatch);

impl Trace {
    pub(crate) fn new(notifier: &Arc<Notifier>) -> Option<Self> {
        let level = notifier.log_level()?;
        Some(Self(Dispatch::new(ToLog { notifier: Arc::clone(notifier), level })))
    }

    /// Listens on this thread for as long as the result lives.
    pub(crate) fn listen(&self) -> DefaultGuard {
        dispatcher::set_default(&self.0)
    }
}

struct ToLog {
    notifier: Arc<Notifier>,
    level: i32,
}

fn number(level: Level) -> i32 {
    match level {
        Level::ERROR => REKALL_LOG_ERROR,
        Level::WARN => REKALL_LOG_WARN,
        Level::INFO => REKALL_LOG_INFO,
        Level::DEBUG => REKALL_LOG_DEBUG,
        Level::TRACE => REKALL_LOG_TRACE,
    }
}

impl Subscriber for ToLog {
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match self.level {
            REKALL_LOG_ERROR => LevelFilter::ERROR,
            REKALL_LOG_WARN => LevelFilter::WARN,
            REKALL_LOG_INFO => LevelFilter::INFO,
            REKALL_LOG_DEBUG => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        })
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Events of the facade come to the log in words already.
        number(*metadata.level()) <= self.level && metadata.target() != "rekall::event"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let Line { mut message, fields } = line;
        message.push_str(&fields);
        self.notifier.log(number(*event.metadata().level()), &message);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The message first, then ` name=value` for each field.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
