//! What the library says, handed to the caller's functions.

use std::ffi::CString;
use std::fmt::Write;

use rekall::Event;

use crate::boundary::error::Failure;
use crate::boundary::options::{self, goes_with};
use crate::boundary::thread_state::in_callback;
use crate::callbacks::events::{
    Listener, REKALL_EVENT_INDEX_LOADED, REKALL_EVENT_LONG_READER, REKALL_EVENT_MODEL_LOAD_FAILED,
    REKALL_EVENT_MODEL_LOADED, REKALL_EVENT_MODEL_LOADING, REKALL_EVENT_MODEL_UNLOADED,
    REKALL_EVENT_NOT_EMBEDDED, REKALL_EVENT_NOT_ERASED, REKALL_EVENT_OTHER, REKALL_EVENT_UNUSABLE_VECTORS,
    REKALL_LOG_ERROR, REKALL_LOG_INFO, REKALL_LOG_TRACE, REKALL_LOG_WARN,
};
use crate::callbacks::user_data::{DestroyOnce, UserData};

/// A listener as the library keeps it.
pub(crate) struct Notifier {
    listener: Listener,
    user_data: UserData,
    /// Shared with the handle, so that a call back into it is noticed.
    identity: usize,
    /// Calls the caller's `destroy` when the notifier goes.
    _end: DestroyOnce,
}

// SAFETY: the header tells the caller that the functions come from any thread, also several at once.
unsafe impl Send for Notifier {}
// SAFETY: as above.
unsafe impl Sync for Notifier {}

impl Notifier {
    /// Takes over a listener. From here on `destroy` is called, whatever else fails.
    ///
    /// # Safety
    /// `listener` is NULL or points to a struct with valid members.
    pub(crate) unsafe fn new(listener: *const Listener, identity: usize) -> Result<Option<Self>, Failure> {
        // SAFETY: as promised by the caller.
        let Some(mut listener) = (unsafe { options::read(listener)? }) else { return Ok(None) };
        let user_data = UserData(listener.user_data);
        let end = DestroyOnce::new(listener.destroy, user_data, identity);
        if !(0..=REKALL_LOG_TRACE).contains(&listener.log_level) {
            return Err(Failure::misuse(format!("log_level must be 0 to 5, got {}", listener.log_level)));
        }
        goes_with(listener.log_level != 0, "log_level", listener.log.is_some(), "log")?;
        if listener.log_level == 0 {
            listener.log_level = REKALL_LOG_INFO;
        }
        Ok(Some(Self { listener, user_data, identity, _end: end }))
    }

    /// Hands the event on, to both functions.
    pub(crate) fn tell(&self, event: &Event) {
        let described = Description::from(event);
        if let Some(callback) = self.listener.event {
            let strings = [&described.model, &described.reason, &described.entry]
                .map(|text| text.as_deref().map(c_string));
            let message = c_string(&described.message);
            let pointer = |at: usize| strings[at].as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
            let event = crate::callbacks::events::Event {
                struct_size: size_of::<crate::callbacks::events::Event>(),
                kind: described.kind,
                level: described.level,
                message: message.as_ptr(),
                model: pointer(0),
                reason: pointer(1),
                entry: pointer(2),
                elapsed_us: described.elapsed_us,
                bytes: described.bytes,
                count: described.count,
            };
            // SAFETY: the caller's function, called as its type says.
            in_callback(self.identity, || unsafe { callback(self.user_data.get(), &raw const event) });
        }
        self.log(described.level, &described.message);
    }

    pub(crate) fn log(&self, level: i32, message: &str) {
        let Some(log) = self.listener.log else { return };
        if level > self.listener.log_level {
            return;
        }
        let message = c_string(message);
        let len = message.count_bytes();
        // SAFETY: the caller's function, called as its type says.
        in_callback(self.identity, || unsafe { log(self.user_data.get(), level, message.as_ptr(), len) });
    }

    pub(crate) fn say_poisoned(&self) {
        self.log(REKALL_LOG_ERROR, "a call met a bug in rekall: the handle only answers rekall_close()");
    }

    /// Whether log lines of the parts below are wanted, too.
    pub(crate) fn log_level(&self) -> Option<i32> {
        self.listener.log.map(|_| self.listener.log_level)
    }
}

/// For C, where the text would end at a NUL.
fn c_string(text: &str) -> CString {
    let bytes: Vec<u8> = text.bytes().map(|byte| if byte == 0 { b' ' } else { byte }).collect();
    CString::new(bytes).unwrap_or_default()
}

#[derive(Default)]
struct Description {
    kind: u32,
    level: i32,
    message: String,
    model: Option<String>,
    reason: Option<String>,
    entry: Option<String>,
    elapsed_us: u64,
    bytes: u64,
    count: u64,
}

impl From<&Event> for Description {
    fn from(event: &Event) -> Self {
        let info = |kind, message| Self { kind, level: REKALL_LOG_INFO, message, ..Self::default() };
        let warn = |kind, message| Self { kind, level: REKALL_LOG_WARN, message, ..Self::default() };
        let micros = |time: &std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        match event {
            Event::ModelLoading { model } => {
                let described = info(REKALL_EVENT_MODEL_LOADING, format!("loading the model {model}"));
                Self { model: Some(model.clone()), ..described }
            }
            Event::ModelLoaded { model, elapsed, bytes } => {
                let message = format!("the model {model} was loaded in {elapsed:.1?}");
                let described = info(REKALL_EVENT_MODEL_LOADED, message);
                Self {
                    model: Some(model.clone()),
                    elapsed_us: micros(elapsed),
                    bytes: *bytes as u64,
                    ..described
                }
            }
            Event::ModelLoadFailed { model, reason } => {
                let message = format!("the model {model} cannot be loaded: {reason}");
                let described = warn(REKALL_EVENT_MODEL_LOAD_FAILED, message);
                Self { model: Some(model.clone()), reason: Some(reason.clone()), ..described }
            }
            Event::ModelUnloaded { model, bytes } => {
                let described = info(REKALL_EVENT_MODEL_UNLOADED, format!("the model {model} was unloaded"));
                Self { model: Some(model.clone()), bytes: *bytes as u64, ..described }
            }
            Event::IndexLoaded { rows, elapsed } => {
                let message = format!("the index of {rows} vectors was loaded in {elapsed:.1?}");
                let described = info(REKALL_EVENT_INDEX_LOADED, message);
                Self { count: *rows as u64, elapsed_us: micros(elapsed), ..described }
            }
            Event::UnusableVectors { count } => {
                let message = format!("vectors of {count} entries cannot be used");
                Self { count: *count as u64, ..warn(REKALL_EVENT_UNUSABLE_VECTORS, message) }
            }
            Event::NotEmbedded { id, reason } => {
                let message = format!("the entry {id} was stored without vectors: {reason}");
                let described = warn(REKALL_EVENT_NOT_EMBEDDED, message);
                Self { entry: Some(id.to_string()), reason: Some(reason.clone()), ..described }
            }
            Event::NotErased { reason } => {
                let message = format!("what was forgotten is not erased yet: {reason}");
                let described = warn(REKALL_EVENT_NOT_ERASED, message);
                Self { reason: Some(reason.clone()), ..described }
            }
            Event::LongReader { log_bytes } => {
                let message = format!("a reader keeps the file's log at {log_bytes} bytes");
                Self { bytes: *log_bytes, ..warn(REKALL_EVENT_LONG_READER, message) }
            }
            // The facade's enum may grow.
            other => {
                let mut message = String::new();
                let _ = write!(message, "{other:?}");
                info(REKALL_EVENT_OTHER, message)
            }
        }
    }
}
