//! Whatever is wrong with the file or its surroundings: a typed error or a correct result, no panic, and a file
//! that cannot be opened stays as it was.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod upkeep_common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rekall_core::{Entry, Error, ErrorKind, ProblemKind, SqliteStore, Store, StoreOptions};
use upkeep_common::*;

const FILES: u64 = 250;

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
        error = Some(SqliteStore::open(path, &options).map(drop).expect_err("must be refused"));
        assert!(fs::read(path).unwrap() == before, "the file was touched");
    }
    error.unwrap()
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
        let store = match SqliteStore::open(&path, &StoreOptions::default()) {
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
            if let Ok(store) = SqliteStore::open(&path, &read_only()) {
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
    let error = SqliteStore::open(folder.path(), &StoreOptions::default()).map(drop).expect_err("a folder");
    assert!(matches!(&error, Error::NotADatabase { found, .. } if found == "a folder"), "{error}");

    fs::remove_file(&path).unwrap();
    let foreign = rusqlite::Connection::open(&path).unwrap();
    foreign.execute_batch("CREATE TABLE bookmarks (url)").unwrap();
    drop(foreign);
    assert!(matches!(refused(&path), Error::NotADatabase { .. }));
    let error =
        SqliteStore::open(folder.path().join("none.db"), &read_only()).map(drop).expect_err("nothing there");
    assert!(matches!(error, Error::FileNotFound { .. }));
    assert!(!folder.path().join("none.db").exists());
}

#[test]
fn a_file_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(filled(&path, 3));
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch("PRAGMA user_version = 6; PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
    drop(raw);
    assert!(matches!(refused(&path), Error::NewerVersion { found: 6, supported: 5, .. }));
}

/// The file as it stands on the disk while a process that has it open is dead, with its log.
fn crashed(folder: &Path, name: &str, count: u64) -> PathBuf {
    let store = filled(&folder.join(format!("{name}-live.db")), count);
    let mut tx = store.write().unwrap();
    insert(&mut *tx, &[(id(count + 1), count + 1)]).unwrap();
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
    let error = SqliteStore::open(&path, &StoreOptions::default()).map(drop).expect_err("a log is left");
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
    insert(&mut *tx, &notes).unwrap();
    tx.commit().unwrap();
    drop(store);
    fs::copy(beside(&one, "-wal"), beside(&other, "-wal")).unwrap();
    let store = match SqliteStore::open(&other, &StoreOptions::default()) {
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
    let store = SqliteStore::open(&path, &options).unwrap();
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

/// Closing a file that was opened by other means than SQLite drops the locks that this process holds on it.
#[cfg(target_os = "linux")]
#[test]
fn looking_at_a_file_drops_no_locks_on_it() {
    use std::os::unix::fs::MetadataExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = filled(&path, 3);
    let reader = store.read().unwrap();
    assert_eq!(reader.count_entries().unwrap(), 3);
    let locks = || {
        let inode = format!(":{} ", fs::metadata(&path).unwrap().ino());
        let all = fs::read_to_string("/proc/locks").unwrap();
        let ours = format!(" {} ", std::process::id());
        all.lines().filter(|line| line.contains(&inode) && line.contains(&ours)).count()
    };
    let before = locks();
    if before == 0 {
        return println!("locks are not shown here: nothing was tried");
    }
    for _ in 0..2 {
        let error = rekall_core::legacy::probe(&path).expect_err("a rekall file");
        assert!(matches!(error, Error::NotALegacyFile { .. }), "{error}");
        assert!(locks() >= before, "probing a live store");
        let error = store.import_legacy(&path, Default::default()).expect_err("a rekall file");
        assert!(matches!(error, Error::NotALegacyFile { .. }), "{error}");
        assert!(locks() >= before, "importing a live store");
    }
    // Shorter than its header says, as it is for a moment while the log is copied into it; then no database at all.
    let length = fs::metadata(&path).unwrap().len();
    let raw = fs::File::options().write(true).open(&path).unwrap();
    raw.set_len(length - 8_192).unwrap();
    drop(SqliteStore::open(&path, &read_only()));
    assert!(locks() >= before, "opening a short file");
    std::os::unix::fs::FileExt::write_all_at(&raw, b"no database at all", 0).unwrap();
    let error = SqliteStore::open(&path, &read_only()).map(drop).expect_err("damaged");
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    assert!(locks() >= before, "opening a damaged file");
}
