//! What a file may be called, and what is made beside it.

use rekall_core::{Error, ErrorKind, JsonlExportOptions, SqliteStore, Store, StoreOptions};

use crate::upkeep_common::*;

#[cfg(unix)]
#[test]
fn long_names_and_deep_folders_are_no_hindrance() {
    let base = tempfile::tempdir().unwrap();
    let base = std::fs::canonicalize(base.path()).unwrap();
    // SQLite opens paths of up to 504 bytes, and puts four behind a name.
    let deep = |length: usize| {
        let mut folder = base.join(format!("depth{length}"));
        while folder.as_os_str().len() + 2 < length {
            let room = length - folder.as_os_str().len() - 1;
            folder.push("d".repeat(room.min(100)));
        }
        folder
    };
    let cases = [
        (base.clone(), "n".repeat(237)),
        (base.clone(), "n".repeat(251)),
        (deep(480), "long_enough.db".to_owned()),
        (deep(495), "a.db".to_owned()),
        (deep(500), "a.d".to_owned()),
    ];
    for (folder, name) in cases {
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(&name);
        let case = format!("name of {}, path of {}", name.len(), path.as_os_str().len());
        let store =
            SqliteStore::open(&path, &StoreOptions::default()).unwrap_or_else(|e| panic!("{case}: {e}"));
        let mut tx = store.write().unwrap();
        insert(&mut *tx, &[(id(1), 1)]).unwrap();
        tx.commit().unwrap();
        for (work, last) in [("backup", "1"), ("export", "2"), ("salvage", "3")] {
            let target = folder.join(format!("{}{last}", &name[..name.len() - 1]));
            let made = match work {
                "backup" => store.backup(&target, &mut |_, _| {}, None),
                "export" => store
                    .export_jsonl_file(&target, &JsonlExportOptions::default(), &mut |_, _| {}, None)
                    .map(drop),
                _ => SqliteStore::salvage(
                    folder.join(format!("{}1", &name[..name.len() - 1])),
                    &target,
                    &mut |_, _| {},
                    None,
                )
                .map(drop),
            };
            made.unwrap_or_else(|error| panic!("{case}, {work}: {error}"));
            assert!(target.is_file(), "{case}, {work}");
        }
        drop(store);
        assert_clean(&open(&path));
    }
    for (folder, name) in [(base.clone(), "n".repeat(252)), (deep(503), "a.db".to_owned())] {
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(&name);
        let refused = SqliteStore::open(&path, &StoreOptions::default());
        assert!(matches!(&refused, Err(Error::TooLong { .. })), "{refused:?}");
        assert!(!path.exists(), "nothing is made that nobody could open");
    }
}

#[test]
fn what_is_no_files_path_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("a.db"), 1);
    for odd in ["", ":memory:"] {
        let options = StoreOptions::default();
        let salvage = |from, to| SqliteStore::salvage(from, to, &mut |_, _| {}, None).map(drop);
        for refused in [
            SqliteStore::open(odd, &options).map(drop),
            store.backup(odd, &mut |_, _| {}, None),
            store.export_jsonl_file(odd, &JsonlExportOptions::default(), &mut |_, _| {}, None).map(drop),
            salvage(odd, "b.db"),
            salvage("a.db", odd),
            SqliteStore::check_file(odd, &mut |_, _| {}, None).map(drop),
        ] {
            let error = refused.expect_err(odd);
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.to_string().contains("a file"), "{error}");
        }
    }
    assert!(!std::path::Path::new(":memory:").exists());
}

#[test]
fn a_missing_file_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let mut existing = StoreOptions::default();
    existing.create = false;
    let refused = [
        SqliteStore::open(&path, &existing).map(drop),
        SqliteStore::open(&path, &read_only()).map(drop),
        SqliteStore::check_file(&path, &mut |_, _| {}, None).map(drop),
        SqliteStore::repair_file(&path, &mut |_, _| {}, None).map(drop),
        SqliteStore::salvage(&path, folder.path().join("b.db"), &mut |_, _| {}, None).map(drop),
        rekall_core::legacy::probe(&path).map(drop),
    ];
    for (number, refused) in refused.into_iter().enumerate() {
        let error = refused.expect_err("nothing is there");
        assert!(matches!(&error, Error::FileNotFound { path: named } if *named == path), "{number}: {error}");
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
