//! A store stays with its file: when the program changes its folder, and when the file is moved or replaced.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod upkeep_common;

use std::fs;
use std::path::Path;

use rekall_core::{Error, ErrorKind, SqliteStore, Store, StoreOptions};
use upkeep_common::*;

/// Alone in a process of its own, because the folder is the process's.
const CHILD: &str = "REKALL_MOVED_CHILD";

#[test]
fn child_changes_its_folder() {
    let Ok(folder) = std::env::var(CHILD) else { return };
    let folder = Path::new(&folder);
    for (name, count) in [("one", 3), ("two", 5)] {
        fs::create_dir(folder.join(name)).unwrap();
        drop(filled(&folder.join(name).join("a.db"), count));
    }
    std::env::set_current_dir(folder.join("one")).unwrap();
    let mut options = StoreOptions::default();
    options.secure_delete = true;
    let store = SqliteStore::open("a.db", &options).unwrap();
    assert!(store.path().is_absolute());
    std::env::set_current_dir(folder.join("two")).unwrap();
    assert_eq!(store.read().unwrap().count_entries().unwrap(), 3, "of the file that was opened");
    let mut tx = store.write().unwrap();
    tx.delete(id(1)).unwrap();
    tx.commit().unwrap();
    store.compact().unwrap();
    store.backup("copy.db", &mut |_, _| {}, None).unwrap();
    assert_eq!(open(&folder.join("two/copy.db")).read().unwrap().count_entries().unwrap(), 2);
    say("done");
}

#[test]
fn a_changed_folder_changes_no_store() {
    let folder = tempfile::tempdir().unwrap();
    let mut child =
        child("child_changes_its_folder", &[(CHILD, folder.path().to_str().unwrap())]).spawn().unwrap();
    assert_eq!(lines(&mut child).collect::<Vec<_>>(), ["done"]);
    assert!(child.wait().unwrap().success());
}

#[cfg(unix)]
#[test]
fn a_replaced_file_is_refused_and_not_mixed_with_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = filled(&path, 3);
    let held = store.read().unwrap();
    assert_eq!(held.count_entries().unwrap(), 3);
    fs::rename(&path, folder.path().join("old.db")).unwrap();
    let error = store.read().map(drop).expect_err("the file is gone");
    assert!(matches!(&error, Error::Replaced { path: named } if *named == path), "{error}");
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(!path.exists(), "nothing is made in its place");

    let other = folder.path().join("other.db");
    drop(filled(&other, 5));
    fs::rename(&other, &path).unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(store.read().map(drop), Err(Error::Replaced { .. })));
    assert!(matches!(store.compact(), Err(Error::Replaced { .. })));
    assert_eq!(held.count_entries().unwrap(), 3, "open connections stay with their file");
    drop(held);
    drop(store);
    assert_eq!(fs::read(&path).unwrap(), before, "the new file is not touched");
}

/// Pages are overwritten by their place: in the wrong file that would be damage.
#[cfg(unix)]
#[test]
fn forgetting_touches_no_file_that_took_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let mut options = StoreOptions::default();
    options.secure_delete = true;
    let store = SqliteStore::open(&path, &options).unwrap();
    let mut tx = store.write().unwrap();
    insert(&mut *tx, &[(id(1), 1), (id(2), 2)]).unwrap();
    fs::rename(&path, folder.path().join("old.db")).unwrap();
    let foreign = vec![10; 1 << 20];
    fs::write(&path, &foreign).unwrap();
    assert!(matches!(tx.commit(), Err(Error::Replaced { .. })));
    assert!(matches!(store.compact(), Err(Error::Replaced { .. })));
    assert!(fs::read(&path).unwrap() == foreign);
}

#[cfg(unix)]
#[test]
fn through_a_symbolic_link_the_log_is_found_beside_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real"), folder.path().join("link.db"));
    fs::create_dir(&real).unwrap();
    drop(filled(&real.join("a.db"), 3));
    std::os::unix::fs::symlink(real.join("a.db"), &link).unwrap();
    let store = open(&link);
    assert_eq!(store.path(), link);
    let mut tx = store.write().unwrap();
    insert(&mut *tx, &[(id(4), 4)]).unwrap();
    tx.commit().unwrap();
    let length = |name: &str| fs::metadata(real.join(name)).unwrap().len();
    let (file, log) = (length("a.db"), length("a.db-wal"));
    assert!(log > 0);
    let report = store.compact().unwrap();
    assert_eq!(report.bytes_before, file + log);
    assert_eq!((report.bytes_after, length("a.db-wal")), (length("a.db"), 0));
}

/// What happens to the file under an open store that has nothing in its log.
#[cfg(unix)]
fn gone_in_every_way(mut look: impl FnMut(&str, &SqliteStore, &Path)) {
    type Happens = fn(&Path);
    let ways: [(&str, Happens); 4] = [
        ("another file renamed over it", |path| {
            fs::rename(path.with_file_name("other.db"), path).unwrap();
        }),
        ("moved away", |path| fs::rename(path, path.with_file_name("away.db")).unwrap()),
        ("deleted", |path| fs::remove_file(path).unwrap()),
        ("moved away, and another one made", |path| {
            fs::rename(path, path.with_file_name("away.db")).unwrap();
            fs::copy(path.with_file_name("other.db"), path).unwrap();
        }),
    ];
    for (name, happens) in ways {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        drop(filled(&path, 3));
        drop(filled(&folder.path().join("other.db"), 5));
        let store = open(&path);
        // Connections are open, and one of them idle, before it happens.
        assert_eq!(store.read().unwrap().count_entries().unwrap(), 3);
        drop(store.write().unwrap());
        happens(&path);
        look(name, &store, &path);
    }
}

#[cfg(unix)]
#[test]
fn writes_after_the_file_went_are_refused_and_touch_nothing() {
    gone_in_every_way(|name, store, path| {
        for number in 10..30 {
            let written = store.write().and_then(|mut tx| {
                insert(&mut *tx, &[(id(number), number)])?;
                tx.commit()
            });
            let error = written.expect_err(name);
            assert!(matches!(&error, Error::Replaced { path: named } if named == path), "{name}: {error}");
            assert_eq!(error.kind(), ErrorKind::Io, "{name}");
        }
        for upkeep in [store.compact().map(drop), store.repair().map(drop), store.check().map(drop)] {
            assert!(matches!(upkeep, Err(Error::Replaced { .. })), "{name}: {upkeep:?}");
        }
        if path.exists() {
            let other = open(path);
            assert_clean(&other);
            assert_eq!(other.read().unwrap().count_entries().unwrap(), 5, "{name}: the other file's own");
        }
    });
}

#[cfg(unix)]
#[test]
fn reads_after_the_file_went_are_refused() {
    gone_in_every_way(|name, store, path| {
        // Somebody writes to the file that is there now: into the log that both would take for theirs.
        let other = path.exists().then(|| open(path));
        if let Some(other) = &other {
            let mut tx = other.write().unwrap();
            insert(&mut *tx, &[(id(60), 60)]).unwrap();
            tx.commit().unwrap();
        }
        assert!(matches!(store.read().map(drop), Err(Error::Replaced { .. })), "{name}");
        assert!(matches!(store.get(id(1)), Err(Error::Replaced { .. })), "{name}");
        if let Some(other) = &other {
            assert_clean(other);
        }
    });
}

#[cfg(unix)]
#[test]
fn what_was_begun_before_the_file_went_is_not_committed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(filled(&path, 3));
    drop(filled(&folder.path().join("other.db"), 5));
    let store = open(&path);
    let mut tx = store.write().unwrap();
    insert(&mut *tx, &[(id(10), 10)]).unwrap();
    fs::rename(folder.path().join("other.db"), &path).unwrap();
    assert!(matches!(tx.commit(), Err(Error::Replaced { .. })));
    let other = open(&path);
    assert_clean(&other);
    assert_eq!(other.read().unwrap().count_entries().unwrap(), 5);
}

/// Another copy of SQLite in this process undoes our locks when it closes the file, and whoever closes it next takes
/// itself for the last one and removes the log, which open connections then write to and nobody else reads.
#[cfg(unix)]
#[test]
fn a_log_removed_under_an_open_store_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = filled(&path, 3);
    // What closing it elsewhere in this process does.
    for name in ["a.db", "a.db-shm"] {
        drop(fs::File::open(folder.path().join(name)).unwrap());
    }
    let mut other = child("child_opens_and_closes", &[(CHILD, path.to_str().unwrap())]).spawn().unwrap();
    assert_eq!(lines(&mut other).collect::<Vec<_>>(), ["3"]);
    assert!(other.wait().unwrap().success());
    assert!(!folder.path().join("a.db-wal").exists(), "the other one took itself for the last");

    for refused in [store.write().map(drop), store.read().map(drop), store.check().map(drop)] {
        let error = refused.expect_err("written to a log that nobody reads");
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        assert!(error.to_string().contains("a.db-wal"), "{error}");
    }
    drop(store);
    let store = open(&path);
    assert_clean(&store);
    assert_eq!(store.read().unwrap().count_entries().unwrap(), 3);
}

/// Runs in a child only.
#[test]
fn child_opens_and_closes() {
    let Ok(path) = std::env::var(CHILD) else { return };
    if !Path::new(&path).is_file() {
        return;
    }
    let store = open(Path::new(&path));
    say(&store.read().unwrap().count_entries().unwrap().to_string());
}
