//! A panic behind the border becomes a status: the process lives, and nothing is printed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]
#![cfg(debug_assertions)]

use std::ffi::{CStr, CString, c_char, c_void};
use std::process::Command;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};

use rekall_ffi::*;

fn open(path: &str, listener: *const Listener) -> *mut Handle {
    let path = CString::new(path).unwrap();
    // SAFETY: all bytes zero are the default of an option struct.
    let mut options: OpenOptions = unsafe { std::mem::zeroed() };
    options.struct_size = size_of::<OpenOptions>();
    options.flags = REKALL_OPEN_NO_MODEL;
    options.listener = listener;
    let (mut db, mut error) = (null_mut(), null_mut());
    // SAFETY: all pointers are good until the call returns.
    let status = unsafe { rekall_open(path.as_ptr(), &raw const options, &raw mut db, &raw mut error) };
    assert_eq!(status, REKALL_OK);
    db
}

static LINES: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" fn count_lines(_: *mut c_void, level: i32, _: *const c_char, _: usize) {
    if level == REKALL_LOG_ERROR {
        LINES.fetch_add(1, Ordering::Relaxed);
    }
}

/// What the child process does; its standard error must stay empty.
fn panic_behind_the_border(folder: &str) {
    // SAFETY: all bytes zero are the default of an option struct.
    let mut listener: Listener = unsafe { std::mem::zeroed() };
    listener.struct_size = size_of::<Listener>();
    listener.log = Some(count_lines);
    let db = open(&format!("{folder}/panics.db"), &raw const listener);
    // SAFETY: a good handle and good pointers.
    unsafe {
        let mut error = null_mut();
        let mut hits = null_mut();
        testing::panic_in_next_call();
        let query = c"x".as_ptr();
        let status = rekall_recall(db, query, 1, null(), &raw mut hits, &raw mut error);
        assert_eq!(status, REKALL_PANIC);
        assert!(hits.is_null());
        let message = CStr::from_ptr(rekall_error_message(error)).to_str().unwrap();
        assert!(message.contains("asked for by a test") && message.contains("testing.rs"), "{message}");
        rekall_error_free(error);
        assert_eq!(LINES.load(Ordering::Relaxed), 1);

        // The handle is done for; another one is not.
        let mut size = 0;
        assert_eq!(rekall_dimensions(db, &raw mut size, null_mut()), REKALL_PANIC);
        assert_eq!(rekall_forget(db, c"x".as_ptr(), null_mut()), REKALL_PANIC);
        rekall_interrupt(db);
        let other = open(&format!("{folder}/panics.db"), null());
        assert_eq!(rekall_dimensions(other, &raw mut size, null_mut()), REKALL_OK);
        rekall_close(other);
        rekall_close(db);
    }
}

#[test]
fn a_panic_becomes_a_status_and_says_nothing() {
    if let Ok(folder) = std::env::var("REKALL_TEST_CHILD") {
        return panic_behind_the_border(&folder);
    }
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "a_panic_becomes_a_status_and_says_nothing", "--nocapture", "--test-threads=1"]);
    let output = child.env("REKALL_TEST_CHILD", folder.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn panics_of_others_are_still_told() {
    if std::env::var_os("REKALL_TEST_CHILD").is_some() {
        let _ = rekall_version_number();
        assert_eq!(rekall_has_feature(0), 0);
        panic!("the host's own");
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "panics_of_others_are_still_told", "--nocapture"]);
    let output = child.env("REKALL_TEST_CHILD", "x").output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("the host's own"));
}

/// What the library starts is named so that its panics keep still; they come up as errors of the calls that wait for it.
#[test]
fn panics_on_the_librarys_own_threads_say_nothing() {
    if std::env::var_os("REKALL_TEST_CHILD").is_some() {
        // SAFETY: a token of ours. The first call of all keeps panics still.
        unsafe { rekall_token_free(rekall_token_new()) };
        for name in ["rekall-index", "a host's own"] {
            let thread = std::thread::Builder::new().name(name.to_owned());
            let thread = thread.spawn(move || panic!("on the thread {name}")).unwrap();
            assert!(thread.join().is_err());
        }
        return;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "panics_on_the_librarys_own_threads_say_nothing", "--nocapture"]);
    let output = child.env("REKALL_TEST_CHILD", "x").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("on the thread a host's own") && !told.contains("rekall-index"), "{told}");
}

/// A thread without a name that panics would print.
#[test]
fn every_thread_of_the_library_has_its_name() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders: Vec<_> =
        ["src", "rekall-core/src", "rekall-cache/src", "rekall-model/src", "rekall-index/src"]
            .map(|folder| root.join(folder))
            .to_vec();
    let mut named = 0;
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let product = text.split("#[cfg(test)]").next().unwrap_or_default();
            for (at, _) in product.match_indices("thread::Builder::new()") {
                let next = product[at..].chars().take(80).collect::<String>();
                assert!(next.contains(".name(\"rekall-"), "{}: {next}", path.display());
                named += 1;
            }
        }
    }
    assert!(named >= 4, "{named}");
}
