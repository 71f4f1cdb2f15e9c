//! Loading a model
//!
//! How a model that the library loads itself is read, downloaded and computed. Without a word of it the model's own files
//! decide.
//!
//!     rekall_load_options load = REKALL_LOAD_OPTIONS_INIT;
//!     rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
//!     rekall_db *other = NULL;
//!     load.flags = REKALL_LOAD_OFFLINE;
//!     load.max_threads = 2;
//!     options.model = "hub:owner/name";
//!     options.load = &load;
//!     status = rekall_open("hub.db", &options, &other, &error); // the model is loaded when it is first needed
//!     rekall_close(other);

use std::ffi::{CString, c_char, c_void};

use rekall::model::{Device, LoadOptions, Precision, ProgressObserver};
use rekall::{Config, ModelSource};

use crate::boundary::error::Failure;
use crate::boundary::options::{self, flags, goes_with, sized};
use crate::boundary::text::{self, Str};
use crate::boundary::thread_state::in_callback;
use crate::callbacks::user_data::UserData;

/// Flag of rekall_load_options: never touch the network; a model of a hub is read from the cache or refused.
pub const REKALL_LOAD_OFFLINE: u32 = 1;
/// Flag of rekall_load_options: the processes of a user share one loaded transformer (REKALL_FEATURE_HOST). The first that loads
/// it answers the others from threads of its own, until its model is unloaded or its handle closed; vectors and scores are the
/// same. Other models are loaded as without it. In load of rekall_open_options it concerns the reranker, too; in reranker_load
/// that alone, also where settings say host = false. Processes meet over a Unix socket, on Windows over a named pipe, where it was
/// never run.
pub const REKALL_LOAD_HOST: u32 = 2;

/// Hears how a download of a model's file comes along: its name (NUL-terminated, valid until the function returns), the
/// bytes that are here and those there are in all; the two are equal exactly once, at the end. Comes on whatever thread
/// loads the model. Must not throw, longjmp, or call back into the same handle.
pub type DownloadFn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, file: *const c_char, bytes: u64, total: u64)>;

/// How a model is loaded. Start from REKALL_LOAD_OPTIONS_INIT; what is 0, NULL or not given follows the model's own
/// files.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct LoadSettings {
    /// sizeof(rekall_load_options).
    pub struct_size: usize,
    /// REKALL_LOAD_ flags.
    pub flags: u32,
    /// The most threads that one call of the model may use; 0: 1.
    pub max_threads: u32,
    /// Keep only the first so many numbers of each vector; only for models that allow it.
    pub dimensions: usize,
    /// Cut texts at fewer tokens than the model's own limit.
    pub max_tokens: usize,
    /// What computes a transformer: "cpu" (default), "candle", "cuda:N" or "metal:N", as far as the build has it.
    /// NUL-terminated.
    pub device: *const c_char,
    /// Folder of the hub's cache, a path. NULL: the one that all hub tools share.
    pub hub_cache: *const c_char,
    /// Text put before each query.
    pub query_prefix: Str,
    /// Text put before each document.
    pub document_prefix: Str,
    /// Address of the hub or a mirror, NUL-terminated. NULL: the environment's HF_ENDPOINT, else the public hub.
    pub hub_endpoint: *const c_char,
    /// Hears how a download comes along; NULL: nobody. Called until rekall_close() returns, and where scopes are open, the last of
    /// theirs.
    pub download: DownloadFn,
    /// Handed to download.
    pub download_user_data: *mut c_void,
    /// What numbers a transformer's matrices are multiplied in: "f32" or "int8", which takes a quarter of the memory and makes
    /// vectors of a space of their own. NUL-terminated. NULL: as config says, which says "f32" unless told otherwise. "int8" is
    /// REKALL_INVALID_INPUT for a model that has no such thing, as the built-in one, at the first call that needs it.
    pub precision: *const c_char,
}

sized!(LoadSettings, ..precision => "rekall_load_options");

/// As REKALL_LOAD_OPTIONS_INIT, for callers without macros: struct_size is the size that the struct has for the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_load_options_init(options: *mut LoadSettings, struct_size: usize) {
    // SAFETY: NULL, or so many bytes that may be written to.
    unsafe { options::init(options, struct_size) }
}

/// A model by its name.
pub(crate) fn source(model: &str) -> Result<ModelSource, Failure> {
    model.parse().map_err(|error| Failure::from(rekall::Error::from(error)))
}

/// For the handle with that identity.
///
/// # Safety
/// NULL, or a struct with valid members.
pub(crate) unsafe fn load_options(
    given: *const LoadSettings,
    identity: usize,
) -> Result<LoadOptions, Failure> {
    // SAFETY: as promised by the caller.
    let given = unsafe { options::read_or_default(given)? };
    let set = flags(given.flags, REKALL_LOAD_OFFLINE | REKALL_LOAD_HOST, "rekall_load_options")?;
    let some = |number: usize| (number > 0).then_some(number);
    let mut load = LoadOptions::default();
    load.dimensions = some(given.dimensions);
    load.max_tokens = some(given.max_tokens);
    load.max_threads = some(given.max_threads as usize);
    load.offline = set & REKALL_LOAD_OFFLINE != 0;
    load.model_host = set & REKALL_LOAD_HOST != 0;
    load.progress = given.download.map(|tell| observer(tell, UserData(given.download_user_data), identity));
    // SAFETY: as promised by the caller.
    unsafe {
        load.query_prefix = given.query_prefix.optional("query_prefix")?.map(str::to_owned);
        load.document_prefix = given.document_prefix.optional("document_prefix")?.map(str::to_owned);
        load.hub_endpoint = text::name(given.hub_endpoint, "hub_endpoint")?.map(str::to_owned);
        if !given.hub_cache.is_null() {
            load.hub_cache = Some(text::path(given.hub_cache, "hub_cache")?);
        }
        if let Some(name) = text::name(given.device, "device")? {
            load.device = device(name)?;
        }
        load.precision = precision_in(&given)?.unwrap_or_default();
    }
    Ok(load)
}

/// The precision that was asked for, if one was.
///
/// # Safety
/// NULL, or a struct with valid members.
pub(crate) unsafe fn precision(given: *const LoadSettings) -> Result<Option<Precision>, Failure> {
    // SAFETY: as promised by the caller.
    unsafe { precision_in(&options::read_or_default(given)?) }
}

/// Whether the processes of a user are to share what is loaded.
///
/// # Safety
/// NULL, or a struct with valid members.
pub(crate) unsafe fn shares(given: *const LoadSettings) -> Result<bool, Failure> {
    // SAFETY: as promised by the caller.
    let given = unsafe { options::read_or_default(given)? };
    Ok(given.flags & REKALL_LOAD_HOST != 0)
}

/// In C what is said in code counts more than settings, so `host = false` does not keep a reranker from being shared whose own options ask
/// for it. The model loses nothing: no options of a model say that it is not shared, so for it `false` is what no setting is.
pub(crate) fn give_way(config: &mut Config, shares_reranker: bool) {
    if shares_reranker && config.model_host == Some(false) {
        config.model_host = None;
    }
}

/// # Safety
/// The members are valid.
unsafe fn precision_in(given: &LoadSettings) -> Result<Option<Precision>, Failure> {
    // SAFETY: as promised by the caller.
    let name = unsafe { text::name(given.precision, "precision")? };
    let parsed = name.map(|name| name.parse().map_err(rekall::Error::Model)).transpose();
    Ok(parsed?)
}

/// Refuses what concerns vectors alone, which a reranker does not make: it would be ignored silently.
///
/// # Safety
/// NULL, or a struct with valid members.
pub(crate) unsafe fn without_vectors(given: *const LoadSettings) -> Result<(), Failure> {
    // SAFETY: as promised by the caller.
    let given = unsafe { options::read_or_default(given)? };
    for (is_set, member) in [
        (given.dimensions != 0, "reranker_load.dimensions"),
        (given.query_prefix.is_given(), "reranker_load.query_prefix"),
        (given.document_prefix.is_given(), "reranker_load.document_prefix"),
    ] {
        goes_with(is_set, member, false, "a model that makes vectors")?;
    }
    Ok(())
}

fn observer(
    tell: unsafe extern "C" fn(*mut c_void, *const c_char, u64, u64),
    user_data: UserData,
    identity: usize,
) -> ProgressObserver {
    ProgressObserver::new(move |progress| {
        let file = CString::new(progress.file).unwrap_or_default();
        // SAFETY: the caller's function, called as its type says.
        in_callback(identity, || unsafe {
            tell(user_data.get(), file.as_ptr(), progress.bytes, progress.total)
        });
    })
}

fn device(name: &str) -> Result<Device, Failure> {
    let refused = || Failure::invalid(format!("device must be cpu, candle, cuda:N or metal:N, got {name:?}"));
    match name.split_once(':') {
        None if name == "cpu" => Ok(Device::Cpu),
        None if name == "candle" => Ok(Device::CandleCpu),
        Some(("cuda", number)) => Ok(Device::Cuda(number.parse().map_err(|_| refused())?)),
        Some(("metal", number)) => Ok(Device::Metal(number.parse().map_err(|_| refused())?)),
        _ => Err(refused()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::ffi::CStr;
    use std::sync::Mutex;

    use rekall::model::DownloadProgress;

    use super::*;

    unsafe extern "C" fn note(user_data: *mut c_void, file: *const c_char, bytes: u64, total: u64) {
        // SAFETY: what the test handed in, and a text of the library's.
        let (heard, file) =
            unsafe { (&*user_data.cast::<Mutex<Vec<(CString, u64, u64)>>>(), CStr::from_ptr(file)) };
        heard.lock().unwrap().push((file.to_owned(), bytes, total));
    }

    #[test]
    fn a_call_from_a_download_is_known_as_one() {
        unsafe extern "C" fn look(seen: *mut c_void, _: *const c_char, _: u64, _: u64) {
            // SAFETY: what the test handed in.
            unsafe { seen.cast::<bool>().write(crate::boundary::thread_state::is_in_callback(7)) };
        }
        let mut seen = false;
        let observer = observer(look, UserData((&raw mut seen).cast()), 7);
        observer.report(&DownloadProgress { file: "weights", bytes: 1, total: 2 });
        assert!(seen && !crate::boundary::thread_state::is_in_callback(7));
    }

    #[test]
    fn options_reach_the_loader() {
        let heard: Mutex<Vec<(CString, u64, u64)>> = Mutex::default();
        // SAFETY: all bytes zero are the default of an option struct.
        let mut given: LoadSettings = unsafe { std::mem::zeroed() };
        given.struct_size = size_of::<LoadSettings>();
        given.hub_endpoint = c"http://mirror".as_ptr();
        given.hub_cache = c"/cache".as_ptr();
        given.max_threads = 3;
        given.dimensions = 64;
        given.max_tokens = 9;
        given.device = c"cuda:1".as_ptr();
        given.precision = c"int8".as_ptr();
        given.flags = REKALL_LOAD_OFFLINE | REKALL_LOAD_HOST;
        given.query_prefix = Str { data: c"q: ".as_ptr(), len: 3 };
        given.download = Some(note);
        given.download_user_data = (&raw const heard).cast_mut().cast();
        // SAFETY: a struct with valid members.
        let (load, shared) =
            unsafe { (load_options(&raw const given, 0).unwrap(), shares(&raw const given)) };
        assert!(shared.unwrap());
        assert_eq!(load.hub_endpoint.as_deref(), Some("http://mirror"));
        assert_eq!(load.hub_cache.as_deref(), Some(std::path::Path::new("/cache")));
        assert_eq!((load.max_threads, load.dimensions, load.max_tokens), (Some(3), Some(64), Some(9)));
        assert_eq!((load.device, load.offline, load.model_host), (Device::Cuda(1), true, true));
        assert_eq!(load.precision, Precision::Int8);
        assert_eq!((load.query_prefix.as_deref(), load.document_prefix), (Some("q: "), None));
        let progress = DownloadProgress { file: "weights", bytes: 2, total: 5 };
        load.progress.unwrap().report(&progress);
        assert_eq!(*heard.lock().unwrap(), [(c"weights".to_owned(), 2, 5)]);
    }

    #[test]
    fn settings_do_not_take_back_what_is_said_in_code() {
        let shared = |toml: &str, shares_reranker| {
            let mut config: Config = toml.parse().unwrap();
            give_way(&mut config, shares_reranker);
            config.model_host
        };
        for (toml, asked) in
            [("", None), ("[model]\nhost = true", Some(true)), ("[model]\nhost = false", Some(false))]
        {
            assert_eq!(shared(toml, false), asked, "{toml}");
            assert_eq!(shared(toml, true), asked.filter(|&host| host), "{toml}");
        }
    }
}
