//! A panic in the installed library comes back as a status, whichever of the two a program links.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::toolchain::{self, answers, skip};
use crate::tree::{folder, link, prefix};

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
    puts("lives");
    return 0;
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
