//! A store stays with its file: when the program changes its folder, and when the file is moved or replaced.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod upkeep_common;

use std::fs;
use std::path::Path;

use rekall_core::{Error, ErrorKind, Store, StoreOptions};
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
    let store = Store::open("a.db", &options).unwrap();
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
    let store = Store::open(&path, &options).unwrap();
    let mut tx = store.write().unwrap();
    insert(&mut tx, &[(id(1), 1), (id(2), 2)]).unwrap();
    fs::rename(&path, folder.path().join("old.db")).unwrap();
    let foreign = vec![10; 1 << 20];
    fs::write(&path, &foreign).unwrap();
    tx.commit().unwrap();
    assert!(store.unerased().is_some_and(|reason| reason.contains("no longer the file")));
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
    insert(&mut tx, &[(id(4), 4)]).unwrap();
    tx.commit().unwrap();
    let length = |name: &str| fs::metadata(real.join(name)).unwrap().len();
    let (file, log) = (length("a.db"), length("a.db-wal"));
    assert!(log > 0);
    let report = store.compact().unwrap();
    assert_eq!(report.bytes_before, file + log);
    assert_eq!((report.bytes_after, length("a.db-wal")), (length("a.db"), 0));
}
