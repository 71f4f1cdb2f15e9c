//! A disk that is full, files and folders that may not be written: typed errors, and what was acknowledged stays.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod upkeep_common;

use std::fs;
use std::path::Path;
use std::process::Command;

use rekall_core::{SqliteStore, Store, StoreOptions};
use upkeep_common::*;

const CHILD: &str = "REKALL_DAMAGE_CHILD";

/// Writes until there is no room, then says how far it came and how it ended. Runs in a child only.
#[test]
fn child_fills_the_disk() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let store = match SqliteStore::open(&path, &StoreOptions::default()) {
        Ok(store) => store,
        Err(error) => return say(&format!("open {:?}", error.kind())),
    };
    let mut number = store.read().unwrap().count_entries().unwrap();
    let error = loop {
        number += 1;
        let written = store.write().and_then(|mut tx| {
            insert(&mut *tx, &[(id(number), number)])?;
            tx.commit()
        });
        match written {
            Ok(()) => say(&format!("done {number}")),
            Err(error) => break error,
        }
        assert!(number < 100_000, "the disk does not fill");
    };
    say(&format!("failed {:?} {error}", error.kind()));
    // What is there can be read still, by the same store.
    for (row, entry) in entries(&store) {
        assert!(says(&entry, row as u64));
    }
    let backup = store.backup(Path::new(&path).with_extension("backup"), &mut |_, _| {}, None);
    let said = backup.map_or_else(|error| format!("{:?}", error.kind()), |()| "done".to_owned());
    say(&format!("backup {said}"));
}

/// The child's lines, run by the shell after `setup`.
fn in_shell(setup: &str, path: &Path) -> (bool, Vec<String>) {
    let plain = child("child_fills_the_disk", &[]);
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("{setup} exec \"$0\" \"$@\""))
        .arg(plain.get_program())
        .args(plain.get_args());
    command.env(CHILD, path);
    let out = command.output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let lines: Vec<String> =
        text.lines().filter_map(|line| line.strip_prefix("> ").map(str::to_owned)).collect();
    if !out.status.success() {
        println!("{setup}: {text}{}", String::from_utf8_lossy(&out.stderr));
    }
    (out.status.success(), lines)
}

fn assert_full(lines: &[String], path: &Path, kinds: &[&str]) {
    let done = lines.iter().filter(|line| line.starts_with("done ")).count() as u64;
    let failed =
        lines.iter().find_map(|line| line.strip_prefix("failed ")).unwrap_or_else(|| panic!("{lines:?}"));
    assert!(kinds.iter().any(|kind| failed.starts_with(kind)), "{failed}");
    assert!(done > 3, "{lines:?}");
    let store = open(path);
    assert_clean(&store);
    let there = store.read().unwrap().count_entries().unwrap();
    assert!(there == done, "{done} acknowledged, {there} there");
    assert!(!path.with_extension("backup").exists() || !lines.contains(&"backup Full".to_owned()));
}

#[test]
fn a_limit_on_file_sizes_is_a_typed_error() {
    for blocks in [1_100, 1_500, 3_000, 9_000] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        drop(open(&path));
        // The signal ignored, writing gives an error (EFBIG) instead of death. Blocks are 512 bytes or 1 KiB.
        let (fine, lines) = in_shell(&format!("trap '' XFSZ; ulimit -f {blocks};"), &path);
        assert!(fine, "{blocks}: {lines:?}");
        assert_full(&lines, &path, &["Full"]);
    }
}

#[test]
fn a_full_disk_is_a_typed_error() {
    for size in [1_000, 2_500, 6_000] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        drop(open(&path));
        let disk = folder.path().join("disk");
        fs::create_dir(&disk).unwrap();
        // A disk of its own, seen by the child only; what it holds is copied out before it goes.
        let script = format!(
            "mount -t tmpfs -o size={size}k tmpfs disk || exit 77
             cp a.db disk/ && \"$0\" \"$@\"; code=$?
             cp disk/* .; exit $code"
        );
        let plain = child("child_fills_the_disk", &[]);
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", &script]).arg(plain.get_program()).args(plain.get_args());
        command.env(CHILD, disk.join("a.db")).current_dir(folder.path());
        let out = match command.output() {
            Ok(out) if !matches!(out.status.code(), Some(1 | 77)) || !out.stdout.is_empty() => out,
            _ => return println!("no disk can be mounted here: only the limit on file sizes was tried"),
        };
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let lines: Vec<String> =
            text.lines().filter_map(|line| line.strip_prefix("> ").map(str::to_owned)).collect();
        assert!(out.status.success(), "{size}: {text}{}", String::from_utf8_lossy(&out.stderr));
        assert_full(&lines, &path, &["Full"]);
        assert!(lines.contains(&"backup Full".to_owned()), "{lines:?}");
    }
}

/// Runs in a child without privileges only: opens, reads and tries to write.
#[test]
fn child_may_not_write() {
    let Ok(path) = std::env::var("REKALL_DAMAGE_LOCKED") else { return };
    for (name, options) in [("plain", StoreOptions::default()), ("read-only", read_only())] {
        let store = match SqliteStore::open(&path, &options) {
            Ok(store) => store,
            Err(error) => {
                say(&format!("{name} open {:?} {error}", error.kind()));
                continue;
            }
        };
        let read = read_all(&store).map(|found| found.len());
        say(&format!("{name} read {:?}", read.map_err(|error| error.kind())));
        let written = store.write().and_then(|mut tx| {
            insert(&mut *tx, &[(id(9_999), 9_999)])?;
            tx.commit()
        });
        say(&format!("{name} write {:?}", written.map_err(|error| error.kind())));
        let backup = store.backup(Path::new(&path).with_extension("backup"), &mut |_, _| {}, None);
        say(&format!("{name} backup {:?}", backup.map_err(|error| error.kind())));
        say(&format!("{name} check {:?}", store.check().map(|report| report.is_clean())));
    }
}

#[cfg(unix)]
#[test]
fn read_only_files_and_folders_are_typed_errors_or_read() {
    use std::os::unix::fs::{PermissionsExt, chown};
    use std::os::unix::process::CommandExt;
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let base = tempfile::tempdir().unwrap();
    mode(base.path(), 0o755);
    // Where the test program lies others may not be allowed to look.
    let program = base.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    mode(&program, 0o755);
    let (bytes, _) = sound(base.path());
    // Permissions do not hold the superuser back: the child is somebody else then.
    let nobody = 65_534;
    let superuser = chown(&program, Some(0), None).is_ok();
    for (name, file_mode, folder_mode) in
        [("file", 0o444, 0o777), ("folder", 0o644, 0o555), ("both", 0o444, 0o555)]
    {
        let folder = base.path().join(name);
        fs::create_dir(&folder).unwrap();
        let path = folder.join("a.db");
        fs::write(&path, &bytes).unwrap();
        if superuser {
            chown(&path, Some(if file_mode == 0o644 { nobody } else { 0 }), None).unwrap();
        }
        mode(&path, file_mode);
        mode(&folder, folder_mode);
        let mut command = Command::new(&program);
        command.args(["child_may_not_write", "--exact", "--nocapture", "--test-threads=1"]);
        command.env("REKALL_DAMAGE_LOCKED", &path).current_dir(base.path());
        if superuser {
            command.uid(nobody).gid(nobody);
        }
        let out = command.output().unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(out.status.success(), "{name}: {text}{}", String::from_utf8_lossy(&out.stderr));
        let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("> ")).collect();
        assert_eq!(lines.len(), 8, "{name}: {lines:?}");
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            let fine = match words[1] {
                "read" => words[2] == "Ok(60)",
                "write" => words[2] == "Err(ReadOnly)",
                "backup" => words[2] == "Err(ReadOnly)" || name == "file",
                "check" => words[2] == "Ok(true)",
                _ => false,
            };
            assert!(fine, "{name}: {line}");
        }
        mode(&folder, 0o755);
        assert!(fs::read(&path).unwrap() == bytes, "{name}: the file was touched");
    }
}

/// A file that was closed cleanly, on a disk that nobody may write to: the log and its index cannot be made there.
#[test]
fn a_file_on_a_read_only_disk_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    drop(filled(&disk.join("a.db"), ENTRIES));
    let script = "mount --bind disk disk && mount -o remount,bind,ro disk || exit 77; exec \"$0\" \"$@\"";
    let plain = child("child_may_not_write", &[]);
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script]).arg(plain.get_program()).args(plain.get_args());
    command.env("REKALL_DAMAGE_LOCKED", disk.join("a.db")).current_dir(folder.path());
    let out = match command.output() {
        Ok(out) if !matches!(out.status.code(), Some(1 | 77)) || !out.stdout.is_empty() => out,
        _ => return eprintln!("skipped: no disk can be mounted here"),
    };
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{text}{}", String::from_utf8_lossy(&out.stderr));
    let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("> ")).collect();
    let expected = ["read Ok(60)", "write Err(ReadOnly)", "backup Err(ReadOnly)", "check Ok(true)"];
    let expected: Vec<String> = ["plain", "read-only"]
        .iter()
        .flat_map(|name| expected.iter().map(move |line| format!("{name} {line}")))
        .collect();
    assert_eq!(lines, expected);
}

/// What is read without locks is read only as long as nobody writes.
#[cfg(unix)]
#[test]
fn a_file_read_as_it_stood_is_refused_when_somebody_writes() {
    use std::os::unix::process::CommandExt;
    let base = tempfile::tempdir().unwrap();
    if std::os::unix::fs::chown(base.path(), Some(0), None).is_err() {
        return eprintln!("skipped: only the superuser can be two users");
    }
    let folder = base.path().join("theirs");
    fs::create_dir(&folder).unwrap();
    let path = folder.join("a.db");
    drop(filled(&path, 3));
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    mode(base.path(), 0o755);
    mode(&folder, 0o755);
    mode(&path, 0o644);
    let program = base.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    mode(&program, 0o755);
    let mut command = Command::new(&program);
    command.args(["child_reads_until_told", "--exact", "--nocapture", "--test-threads=1"]);
    command.env("REKALL_DAMAGE_FROZEN", &path).current_dir(base.path()).uid(65_534).gid(65_534);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = lines(&mut child);
    assert_eq!(said.next().as_deref(), Some("3"));
    let store = open(&path);
    let mut tx = store.write().unwrap();
    insert(&mut *tx, &[(id(4), 4)]).unwrap();
    tx.commit().unwrap();
    drop(child.stdin.take());
    assert_eq!(said.next().as_deref(), Some("Replaced"));
    drop(store);
    assert_eq!(said.next(), None);
    assert!(child.wait().unwrap().success());
}

/// Runs in a child only.
#[test]
fn child_reads_until_told() {
    let Ok(path) = std::env::var("REKALL_DAMAGE_FROZEN") else { return };
    let store = open(Path::new(&path));
    say(&store.read().unwrap().count_entries().unwrap().to_string());
    let _ = std::io::read_to_string(std::io::stdin());
    match store.read().map(drop) {
        Err(rekall_core::Error::Replaced { .. }) => say("Replaced"),
        other => say(&format!("{other:?}")),
    }
}
