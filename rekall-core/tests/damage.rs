//! Whatever is wrong with the file or its surroundings: a typed error or a correct result, no panic, and a file
//! that cannot be opened stays as it was.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod upkeep_common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rekall_core::{Entry, Error, ErrorKind, Filter, ProblemKind, Store, StoreOptions, TextQuery};
use upkeep_common::*;

const ENTRIES: u64 = 60;
const FILES: u64 = 250;

/// The bytes of a sound, closed file, and its entries.
fn sound(folder: &Path) -> (Vec<u8>, BTreeMap<i64, Entry>) {
    let path = folder.join("sound.db");
    let store = filled(&path, ENTRIES);
    let all = entries(&store).into_iter().collect();
    drop(store);
    (fs::read(&path).unwrap(), all)
}

fn read_only() -> StoreOptions {
    let mut options = StoreOptions::default();
    options.read_only = true;
    options
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Opens a file that cannot be opened; it must stay as it was.
#[track_caller]
fn refused(path: &Path) -> Error {
    let before = fs::read(path).unwrap();
    let mut error = None;
    for options in [StoreOptions::default(), read_only()] {
        error = Some(Store::open(path, &options).map(drop).expect_err("must be refused"));
        assert!(fs::read(path).unwrap() == before, "the file was touched");
    }
    error.unwrap()
}

/// Reads everything there is to read. An error is fine if it says what it is.
fn read_all(store: &Store) -> Result<BTreeMap<i64, Entry>, Error> {
    let tx = store.read()?;
    let mut found = BTreeMap::new();
    for row in 1..=ENTRIES as i64 {
        for (row, entry) in tx.entries(&[row])? {
            tx.links(entry.id)?;
            tx.stored_vectors(row)?;
            found.insert(row, entry);
        }
        tx.search_text(&TextQuery::new(&word(row as u64)), &Filter::new().tag_all("all"), 5)?;
    }
    if let Some(space) = tx.active_space()? {
        tx.vectors::<Error>(&space, 16, |_| Ok(()))?;
    }
    tx.changes_since(0)?;
    tx.stats()?;
    Ok(found)
}

#[track_caller]
fn assert_about_damage(error: &Error, what: &str) {
    // Not found: an index that says otherwise than the row.
    let kinds = [
        ErrorKind::NotFound,
        ErrorKind::Corrupt,
        ErrorKind::NotADatabase,
        ErrorKind::NewerVersion,
        ErrorKind::Io,
    ];
    assert!(kinds.contains(&error.kind()), "{what}: {error:?}");
}

/// What a search by words can tell of an entry: its words.
fn words(entry: &Entry) -> Vec<String> {
    let text = format!("{} {} {:?} {:?}", entry.title, entry.content, entry.tags, entry.context);
    let folded = text.to_lowercase();
    folded.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).filter(|word| !word.is_empty()).collect()
}

#[test]
fn flipped_bytes_are_errors_or_harmless_or_found_by_check() {
    let folder = tempfile::tempdir().unwrap();
    let (bytes, expected) = sound(folder.path());
    let path = folder.path().join("damaged.db");
    let mut tally: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..FILES {
        let mut random = Random(seed);
        let mut damaged = bytes.clone();
        let at = random.below(bytes.len() as u64) as usize;
        let length = [1, 1, 4, 64, 700][random.below(5) as usize];
        for byte in damaged.iter_mut().skip(at).take(length) {
            *byte ^= 1 + random.below(255) as u8;
        }
        for suffix in ["-wal", "-shm"] {
            let _ = fs::remove_file(beside(&path, suffix));
        }
        fs::write(&path, &damaged).unwrap();
        let what = format!("seed {seed}, {length} bytes at {at}");
        let store = match Store::open(&path, &StoreOptions::default()) {
            Ok(store) => store,
            Err(error) => {
                assert_about_damage(&error, &what);
                assert!(fs::read(&path).unwrap() == damaged, "{what}: refused, and touched");
                *tally.entry("refused").or_default() += 1;
                continue;
            }
        };
        let read = read_all(&store);
        let report = store.check().unwrap_or_else(|error| panic!("{what}: check: {error}"));
        let outcome = match &read {
            Err(error) => {
                assert_about_damage(error, &what);
                assert!(!report.is_clean(), "{what}: {error}, but check finds nothing");
                "error"
            }
            Ok(found) if *found == expected && report.is_clean() => "harmless",
            Ok(_) if !report.is_clean() => "found by check",
            Ok(found) => {
                // No checksums: a changed letter case, digit of a time or component of a vector is another
                // value like any. Words, which search relies on, are never wrong in silence.
                let same = expected.len() == found.len()
                    && expected
                        .values()
                        .zip(found.values())
                        .all(|(a, b)| a.id == b.id && words(a) == words(b));
                assert!(same, "{what}: wrong words in silence");
                "another value"
            }
        };
        *tally.entry(outcome).or_default() += 1;
        // Neither does writing to it panic, nor repairing.
        let repaired = store.repair();
        match &repaired {
            Ok(_) => {
                let report = store.check().unwrap();
                assert!(report.is_clean(), "{what}: {report:#?} after {repaired:#?}");
                read_all(&store).unwrap_or_else(|error| panic!("{what}: repaired, then {error}"));
            }
            Err(error) => assert_about_damage(error, &what),
        }
    }
    println!("{FILES} files with flipped bytes: {tally:?}");
    assert!(tally["found by check"] + tally["error"] + tally["refused"] > FILES / 4, "{tally:?}");
}

#[test]
fn a_truncated_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (bytes, _) = sound(folder.path());
    let path = folder.path().join("cut.db");
    let lengths =
        (0..bytes.len()).step_by(8_192 / 3).chain([1, 15, 16, 17, 72, 99, 100, 8_191, bytes.len() - 1]);
    for length in lengths {
        fs::write(&path, &bytes[..length]).unwrap();
        if length > bytes.len() - 8_192 {
            // SQLite takes what is missing of the last page for zeroes.
            if let Ok(store) = Store::open(&path, &read_only()) {
                assert!(!store.check().unwrap().is_clean(), "{length} of {} bytes", bytes.len());
                continue;
            }
        }
        let error = refused(&path);
        assert!(
            matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NotADatabase),
            "{length} of {} bytes: {error:?}",
            bytes.len()
        );
    }
}

#[test]
fn what_is_no_store_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.db");
    for (bytes, said) in [
        (&b""[..], "an empty file (0 bytes)"),
        (b"# My notes\n\n- buy milk\n", "a text file"),
        (b"\x89PNG\r\n\x1a\n\0\0", "a file of another format"),
        (b"SQLite format 3", "a text file"),
    ] {
        fs::write(&path, bytes).unwrap();
        let error = refused(&path);
        assert!(matches!(&error, Error::NotADatabase { found, .. } if found == said), "{said}: {error}");
    }
    let error = Store::open(folder.path(), &StoreOptions::default()).map(drop).expect_err("a folder");
    assert!(matches!(&error, Error::NotADatabase { found, .. } if found == "a folder"), "{error}");

    fs::remove_file(&path).unwrap();
    let foreign = rusqlite::Connection::open(&path).unwrap();
    foreign.execute_batch("CREATE TABLE bookmarks (url)").unwrap();
    drop(foreign);
    assert!(matches!(refused(&path), Error::NotADatabase { .. }));
    let error =
        Store::open(folder.path().join("none.db"), &read_only()).map(drop).expect_err("nothing there");
    assert!(matches!(error, Error::Io { .. }));
    assert!(!folder.path().join("none.db").exists());
}

#[test]
fn a_file_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(filled(&path, 3));
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch("PRAGMA user_version = 2; PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
    drop(raw);
    assert!(matches!(refused(&path), Error::NewerVersion { found: 2, supported: 1, .. }));
}

/// The file as it stands on the disk while a process that has it open is dead, with its log.
fn crashed(folder: &Path, name: &str, count: u64) -> PathBuf {
    let store = filled(&folder.join(format!("{name}-live.db")), count);
    let mut tx = store.write().unwrap();
    insert(&mut tx, &[(id(count + 1), count + 1)]).unwrap();
    tx.commit().unwrap();
    let path = folder.join(format!("{name}.db"));
    fs::copy(store.path(), &path).unwrap();
    fs::copy(beside(store.path(), "-wal"), beside(&path, "-wal")).unwrap();
    path
}

#[test]
fn a_log_survives_its_process_and_a_deleted_one_takes_only_its_own_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = crashed(folder.path(), "a", 10);
    assert_eq!(open(&path).read().unwrap().count_entries().unwrap(), 11);

    let path = crashed(folder.path(), "b", 10);
    fs::remove_file(beside(&path, "-wal")).unwrap();
    // An older state, whole: here the state before anything was copied out of the log.
    let store = open(&path);
    assert_clean(&store);
    for (row, entry) in entries(&store) {
        assert!(says(&entry, row as u64));
    }
}

#[test]
fn a_log_cut_or_damaged_anywhere_gives_a_state_that_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = crashed(folder.path(), "a", 10);
    let (main, log) = (fs::read(&path).unwrap(), fs::read(beside(&path, "-wal")).unwrap());
    let mut random = Random(5);
    let mut states = BTreeMap::new();
    for round in 0..60 {
        let target = folder.path().join(format!("round-{round}.db"));
        fs::write(&target, &main).unwrap();
        let mut damaged = log.clone();
        let at = random.below(log.len() as u64) as usize;
        if round % 2 == 0 {
            damaged.truncate(at);
        } else {
            damaged[at] ^= 0x40;
        }
        fs::write(beside(&target, "-wal"), damaged).unwrap();
        let store = open(&target);
        assert_clean(&store);
        let count = store.read().unwrap().count_entries().unwrap();
        assert!([0, 10, 11].contains(&count), "round {round}: {count} entries were never there together");
        *states.entry(count).or_insert(0) += 1;
    }
    assert!(states.len() > 1, "{states:?}");
}

#[test]
fn a_log_without_its_database_is_not_played_into_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = crashed(folder.path(), "a", 10);
    let log = fs::read(beside(&path, "-wal")).unwrap();
    fs::remove_file(&path).unwrap();
    let error = Store::open(&path, &StoreOptions::default()).map(drop).expect_err("a log is left");
    assert!(matches!(&error, Error::Corrupt { detail } if detail.contains("a.db-wal")), "{error}");
    assert!(!path.exists());
    assert_eq!(
        fs::read(beside(&path, "-wal")).unwrap(),
        log,
        "it may be all that is left of somebody's notes"
    );
    fs::remove_file(beside(&path, "-wal")).unwrap();
    assert_eq!(open(&path).read().unwrap().count_entries().unwrap(), 0);
}

/// SQLite cannot tell a log from another file's. What comes out must at least not pass for sound.
#[test]
fn a_log_of_another_file_is_an_error_or_found_by_check() {
    let folder = tempfile::tempdir().unwrap();
    let one = crashed(folder.path(), "one", 40);
    let other = folder.path().join("other.db");
    let store = open(&other);
    let mut tx = store.write().unwrap();
    let notes: Vec<_> = (1..=200).map(|n| (id(n), n + 1_000)).collect();
    insert(&mut tx, &notes).unwrap();
    tx.commit().unwrap();
    drop(store);
    fs::copy(beside(&one, "-wal"), beside(&other, "-wal")).unwrap();
    let store = match Store::open(&other, &StoreOptions::default()) {
        Ok(store) => store,
        Err(error) => return assert_about_damage(&error, "opened"),
    };
    match read_all(&store) {
        Err(error) => assert_about_damage(&error, "read"),
        Ok(_) if !store.check().unwrap().is_clean() => {}
        Ok(found) => {
            // All of the other file, then.
            assert!(found.iter().all(|(row, entry)| says(entry, *row as u64)), "a mixture passes for sound");
        }
    }
}

#[test]
fn a_page_overwritten_while_the_store_is_open_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(filled(&path, 300));
    let mut options = StoreOptions::default();
    options.cache_bytes = 1 << 14;
    let store = Store::open(&path, &options).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 8_192 / 2 * 8_192;
    for byte in &mut bytes[middle..] {
        *byte ^= 0xff;
    }
    fs::write(&path, bytes).unwrap();
    store.release_memory();
    match read_all(&store) {
        Ok(found) => assert!(found.iter().all(|(row, entry)| says(entry, *row as u64))),
        Err(error) => assert_about_damage(&error, "read"),
    }
    let report = store.check().unwrap();
    assert!(report.problems.iter().any(|problem| problem.kind == ProblemKind::File), "{report:#?}");
    let repaired = store.repair().expect_err("pages are gone");
    assert!(matches!(&repaired, Error::Corrupt { detail } if detail.contains("salvage")), "{repaired}");
}

const CHILD: &str = "REKALL_DAMAGE_CHILD";

/// Writes until there is no room, then says how far it came and how it ended. Runs in a child only.
#[test]
fn child_fills_the_disk() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let store = match Store::open(&path, &StoreOptions::default()) {
        Ok(store) => store,
        Err(error) => return say(&format!("open {:?}", error.kind())),
    };
    let mut number = store.read().unwrap().count_entries().unwrap();
    let error = loop {
        number += 1;
        let written = store.write().and_then(|mut tx| {
            insert(&mut tx, &[(id(number), number)])?;
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
    for blocks in [900, 1_500, 3_000, 9_000] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        drop(open(&path));
        // The signal ignored, writing gives an error (EFBIG) instead of death. Blocks are 512 bytes or 1 KiB.
        let (fine, lines) = in_shell(&format!("trap '' XFSZ; ulimit -f {blocks};"), &path);
        assert!(fine, "{blocks}: {lines:?}");
        assert_full(&lines, &path, &["Full", "Io"]);
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
             rm -f disk/*.partial-*; cp disk/* .; exit $code"
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
        let store = match Store::open(&path, &options) {
            Ok(store) => store,
            Err(error) => {
                say(&format!("{name} open {:?} {error}", error.kind()));
                continue;
            }
        };
        let read = read_all(&store).map(|found| found.len());
        say(&format!("{name} read {:?}", read.map_err(|error| error.kind())));
        let written = store.write().and_then(|mut tx| {
            insert(&mut tx, &[(id(9_999), 9_999)])?;
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
        println!("{name}: {lines:#?}");
        assert!(lines.len() >= 2, "{name}: {lines:?}");
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            let fine = match words[1] {
                "open" => ["ReadOnly", "Io"].contains(&words[2]),
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
