//! Calls of the system that fail, one after another: typed errors that say what it was, nothing half made, and nothing
//! that stays so when the disk is well again. `shim/faults.c` makes them fail.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod upkeep_common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use rekall_core::{JsonlExportOptions, SqliteStore, Store};
use upkeep_common::*;

const FOLDER: &str = "REKALL_FAULTS_FOLDER";
const WORK: &str = "REKALL_FAULTS_WORK";

const EIO: i32 = 5;
const ENOMEM: i32 = 12;
const EMFILE: i32 = 24;
const ENOSPC: i32 = 28;
const EREMOTEIO: i32 = 121;

/// The library that makes calls fail; `None` on a machine without a C compiler.
fn shim() -> Option<&'static Path> {
    static SHIM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let made = SHIM.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shim/faults.c");
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults.so");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
        match compiler.output() {
            Ok(output) => {
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                Some(library)
            }
            Err(error) => {
                eprintln!("skipped: no C compiler ({error})");
                None
            }
        }
    });
    made.as_deref()
}

/// What a child said, and whether the fault was met.
struct Run {
    said: Vec<String>,
    met: bool,
}

/// The work in a child, with the calls of that name that are `first` and the `count - 1` behind it failing, on files of
/// the folder whose names have `part` in them.
fn run(work: &str, folder: &Path, (call, errno, part): (&str, i32, &str), first: u32, count: u32) -> Run {
    let marks = tempfile::tempdir().unwrap();
    let mark = marks.path().join("met");
    let path = folder.file_name().unwrap().to_str().unwrap();
    let part = if part.is_empty() { path } else { part };
    let fault = format!("{call}:{errno}:{first}:{count}:{part}");
    let mut command = child("child_works", &[(WORK, work), ("REKALL_FAULT", &fault)]);
    command.env(FOLDER, folder).env("REKALL_FAULT_MARK", &mark).env("LD_PRELOAD", shim().unwrap());
    let mut child = command.spawn().unwrap();
    let said: Vec<String> = lines(&mut child).collect();
    assert!(child.wait().unwrap().success() && !said.is_empty(), "{work}, {fault}: {said:?}");
    Run { said, met: mark.exists() }
}

/// Runs in a child only.
#[test]
fn child_works() {
    let (Ok(folder), Ok(work)) = (std::env::var(FOLDER), std::env::var(WORK)) else { return };
    let folder = Path::new(&folder);
    let (path, target) = (folder.join("a.db"), folder.join("b.db"));
    let said = match work.as_str() {
        "make" => SqliteStore::open(&path, &Default::default()).map(drop),
        "backup" => open(&path).backup(&target, &mut |_, _| {}, None),
        "salvage" => SqliteStore::salvage(&path, &target, &mut |_, _| {}, None).map(drop),
        "export" => open(&path)
            .export_jsonl_file(&target, &JsonlExportOptions::default(), &mut |_, _| {}, None)
            .map(drop),
        "read" => SqliteStore::open(&path, &read_only()).and_then(|store| read_all(&store)).map(drop),
        "write" => match SqliteStore::open(&path, &Default::default()) {
            // What failed while it was opened is over.
            Ok(store) => {
                let mut tx = store.write().unwrap();
                insert(&mut *tx, &[(id(900), 900)]).unwrap();
                tx.commit()
            }
            Err(error) => Err(error),
        },
        other => panic!("no work: {other}"),
    };
    say(&said.map_or_else(|error| format!("{:?} {error}", error.kind()), |()| "done".to_owned()));
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_failed_creation_leaves_nothing_that_is_refused_later() {
    if shim().is_none() {
        return;
    }
    for (call, errno) in [("fsync", EIO), ("open", EMFILE), ("link", EIO), ("write", EIO), ("read", EIO)] {
        for (first, count) in (1..500).flat_map(|first| [(first, 1), (first, 1_000)]) {
            let folder = tempfile::tempdir().unwrap();
            let run = run("make", folder.path(), (call, errno, ""), first, count);
            let case = format!("{call} {first}+{count}: {:?}", run.said);
            for name in names(folder.path()) {
                assert!(name.starts_with("a.db"), "{case}: {name} is left");
            }
            // The disk is well again.
            let store = open(&folder.path().join("a.db"));
            assert_clean(&store);
            drop(store);
            assert_eq!(names(folder.path()), ["a.db"], "{case}");
            if !run.met {
                assert!(first > 1, "{case}");
                assert_eq!(run.said, ["done"], "{case}");
                break;
            }
            assert!(!run.said[0].starts_with("Internal"), "{case}");
        }
    }
}

#[test]
fn failed_copies_leave_nothing() {
    if shim().is_none() {
        return;
    }
    for work in ["backup", "salvage", "export"] {
        for (call, errno, kinds) in [
            ("fsync", EIO, "Io"),
            ("open", EMFILE, "Io ReadOnly"),
            ("write", EIO, "Io"),
            ("write", ENOSPC, "Full"),
        ] {
            // Drafts and what gets their name; the source is sound.
            for part in ["/.rekall-", "/b.db"] {
                for first in (1..6).chain((7..2_000).step_by(23)) {
                    let folder = tempfile::tempdir().unwrap();
                    drop(filled(&folder.path().join("a.db"), 30));
                    let run = run(work, folder.path(), (call, errno, part), first, 1);
                    let case = format!("{work}, {call} {first} on {part}: {:?}", run.said);
                    if run.said == ["done"] {
                        assert_eq!(names(folder.path()), ["a.db", "b.db"], "{case}");
                    } else {
                        let kind = run.said[0].split(' ').next().unwrap();
                        assert!(kinds.contains(kind), "{case}");
                        assert_eq!(names(folder.path()), ["a.db"], "{case}");
                    }
                    if !run.met {
                        break;
                    }
                }
            }
        }
    }
}

#[test]
fn processes_of_one_number_make_one_file() {
    let Some(shim) = shim() else { return };
    for round in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let children: Vec<_> = (0..2)
            .map(|_| {
                let mut command = child("child_works", &[(WORK, "make"), ("REKALL_PID", "7")]);
                command.env(FOLDER, folder.path()).env("LD_PRELOAD", shim);
                command.spawn().unwrap()
            })
            .collect();
        for mut child in children {
            assert_eq!(lines(&mut child).collect::<Vec<_>>(), ["done"], "round {round}");
            child.wait().unwrap();
        }
        let mut left = names(folder.path());
        // Two that close at the same moment may each leave the log to the other one.
        left.retain(|name| !["a.db-wal", "a.db-shm"].contains(&name.as_str()));
        assert_eq!(left, ["a.db"]);
    }
}

#[test]
fn a_lack_of_descriptors_does_not_last() {
    if shim().is_none() {
        return;
    }
    for first in 1..100 {
        let folder = tempfile::tempdir().unwrap();
        drop(filled(&folder.path().join("a.db"), 3));
        let run = run("write", folder.path(), ("open", EMFILE, "/a.db"), first, 1);
        let case = format!("open {first}: {:?}", run.said);
        assert!(run.said == ["done"] || run.said[0].starts_with("Io "), "{case}");
        assert_clean(&open(&folder.path().join("a.db")));
        if !run.met {
            assert!(first > 3, "{case}");
            return;
        }
    }
}

#[test]
fn errors_of_reading_keep_their_kind() {
    if shim().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    drop(filled(&folder.path().join("a.db"), ENTRIES));
    // SQLite takes EIO, of all numbers, for a damaged file.
    for (errno, kinds) in [(EREMOTEIO, "Io"), (EIO, "Io Corrupt"), (ENOMEM, "Io OutOfMemory")] {
        for first in 1..2_000 {
            let run = run("read", folder.path(), ("read", errno, "/a.db"), first, 1);
            let kind = run.said[0].split(' ').next().unwrap();
            assert!(kind == "done" || kinds.contains(kind), "{errno}, {first}: {:?}", run.said);
            if !run.met {
                assert!(first > 10);
                break;
            }
        }
    }
}
