//! A panic in the installed library comes back as a status, whichever of the two a program links.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::toolchain::{self, answers, skip};
use crate::tree::{folder, link, prefix, system};

/// Rust's standard library panics where the system's clock fails. A program's own `clock_gettime` takes the place of the C
/// library's in both libraries: so the shipped ones can be made to panic, and nothing in them is there for this test.
const PROGRAM: &str = r#"
#define _GNU_SOURCE
#include <rekall.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int clock_is_broken = 0;

#ifdef BESIDE
int beside_panics_and_catches(void);
#else
static int beside_panics_and_catches(void) { return 1; }
#endif

int clock_gettime(clockid_t clock, struct timespec *time)
{
    if (clock_is_broken) {
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_clock_gettime, clock, time);
}

int main(void)
{
    rekall_error *error = NULL;
    rekall_db *db = NULL;
    rekall_db *other = NULL;
    rekall_hits *hits = NULL;
    rekall_open_options options = REKALL_OPEN_OPTIONS_INIT;
    rekall_new_entry note = REKALL_NEW_ENTRY_INIT;
    rekall_status status;

    options.flags = REKALL_OPEN_NO_MODEL;
    note.title = rekall_text("a note");
    if (!beside_panics_and_catches()) return 5;
    if (rekall_open("memory.db", &options, &db, NULL) || rekall_remember(db, &note, NULL, NULL, NULL)) return 1;
    clock_is_broken = 1;
    status = rekall_recall(db, "note", REKALL_NTS, NULL, &hits, &error);
    clock_is_broken = 0;
    if (status != REKALL_PANIC || hits != NULL || !strstr(rekall_error_message(error), "bug in rekall")) return 2;
    rekall_error_free(error);
    rekall_close(db);
    if (rekall_open("memory.db", &options, &other, NULL)) return 3;
    if (rekall_recall(other, "note", REKALL_NTS, NULL, &hits, NULL) || rekall_hits_count(hits) != 1) return 4;
    rekall_hits_free(hits);
    rekall_close(other);
    if (!beside_panics_and_catches()) return 6;
    puts("lives");
    return 0;
}
"#;

/// A Rust library of the program's own, with a standard library of its own.
const BESIDE: &str = r#"
#[unsafe(no_mangle)]
pub extern "C" fn beside_panics_and_catches() -> i32 {
    std::panic::set_hook(Box::new(|_| {}));
    let zero = std::hint::black_box(0);
    std::panic::catch_unwind(|| 1 / zero).is_err().into()
}
"#;

/// Runs the program, and looks that it said what it says at its end, and nothing else.
fn lives(place: &Path, what: &str) {
    let output = Command::new(place.join("program")).current_dir(place).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "lives\n", "{what}: {output:?}");
    assert!(output.stderr.is_empty(), "{what}: {output:?}");
}

/// A folder with the program's source, and the beginning of the command that compiles it.
fn compile(name: &str, how: &str) -> (PathBuf, Command) {
    let place = folder(&format!("panics-{name}"));
    let source = place.join("program.c");
    fs::write(&source, PROGRAM).unwrap();
    let mut command = Command::new("cc");
    command.args(how.split_whitespace()).arg(&source).arg("-o").arg(place.join("program"));
    (place, command)
}

#[test]
fn a_panic_in_the_shared_library_becomes_a_status() {
    let (place, mut command) = compile("shared", "");
    toolchain::run(link(&mut command, false));
    lives(&place, "shared");
}

/// How a program with the static library can be linked.
const KINDS: &[&str] = &["-pie -fPIE", "-no-pie"];

#[test]
fn a_panic_in_the_static_library_becomes_a_status() {
    for how in KINDS {
        let (place, mut command) = compile(&format!("static{how}"), how);
        toolchain::run(link(&mut command, true));
        lives(&place, how);
    }
}

/// A program that needs no shared library at all, the C library included: the same line links it.
#[test]
fn a_panic_in_a_fully_static_program_becomes_a_status() {
    for how in ["-static", "-static-pie"] {
        let probe = folder(&format!("panics-probe{how}"));
        let source = probe.join("probe.c");
        fs::write(&source, "int main(void) { return 0; }\n").unwrap();
        let output = Command::new("cc").arg(how).arg(&source).arg("-o").arg(probe.join("probe")).output();
        if !output.is_ok_and(|output| output.status.success()) {
            skip(&format!("static C library for {how}"));
            continue;
        }
        let (place, mut command) = compile(&format!("fully{how}"), how);
        toolchain::run(link(&mut command, true));
        lives(&place, how);
    }
}

/// Both define what Rust's standard library defines; each must unwind by its own.
#[test]
fn another_rust_library_unwinds_beside_the_static_one() {
    let place = folder("panics-rust");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    if !answers(&rustc) {
        return skip("rustc");
    }
    let source = place.join("beside.rs");
    fs::write(&source, BESIDE).unwrap();
    let beside = place.join("libbeside.a");
    let mut command = Command::new(rustc);
    command.args(["--crate-type", "staticlib", "--edition", "2024", "-O", "-C", "panic=unwind"]);
    toolchain::run(command.arg(&source).arg("-o").arg(&beside));
    for how in KINDS {
        for ours_first in [true, false] {
            let what = format!("beside{how}, ours first: {ours_first}");
            let (place, mut command) = compile(&what, &format!("{how} -DBESIDE"));
            if !ours_first {
                command.arg(&beside);
            }
            link(&mut command, true);
            if ours_first {
                command.arg(&beside).args(system());
            }
            toolchain::run(&mut command);
            lives(&place, &what);
        }
    }
}

/// The section's bytes in an ELF file.
fn size_of(section: &str, file: &Path) -> u64 {
    let output = toolchain::run(Command::new("readelf").arg("-SW").arg(file));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.split_whitespace().any(|word| word == section));
    // "[Nr] Name Type Address Offset Size": the number may stand off its bracket.
    let line = line.and_then(|line| line.split_once(']')).map_or("", |(_, rest)| rest);
    line.split_whitespace().nth(4).map_or(0, |size| u64::from_str_radix(size, 16).unwrap())
}

/// Without these, unwinding ends the process, and a debugger or a profiler of the host's sees no further than our code.
#[test]
fn the_libraries_keep_what_unwinding_needs() {
    if !answers("readelf") {
        return skip("readelf");
    }
    let library = prefix().join("lib/librekall.so");
    let code = size_of(".text", &library);
    for section in [".eh_frame", ".eh_frame_hdr", ".gcc_except_table"] {
        let size = size_of(section, &library);
        assert!(size > code / 100, "{section}: {size} bytes for {code} bytes of code");
    }
    assert!(size_of(".eh_frame", &prefix().join("lib/librekall.a")) > code / 100);
}
