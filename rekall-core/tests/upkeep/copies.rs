//! Backups of a file in use, and compaction.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

use rekall_core::{Error, JsonlExportOptions, SqliteStore, Store};

use crate::upkeep_common::*;

fn names(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_backup_is_a_store_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("a.db"), 300);
    let target = folder.path().join("backup.db");
    let mut steps = Vec::new();
    store.backup(&target, &mut |done, total| steps.push((done, total)), None).unwrap();
    assert!(steps.is_sorted());
    assert_eq!(steps.last().unwrap().0, steps.last().unwrap().1);
    let copy = open(&target);
    assert_clean(&copy);
    assert_eq!(export(&copy), export(&store));
    #[cfg(unix)]
    {
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&target).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
    // Independent from now on.
    let mut tx = copy.write().unwrap();
    tx.delete(id(1)).unwrap();
    tx.commit().unwrap();
    assert!(store.get(id(1)).is_ok());
}

#[test]
fn a_backup_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("a.db"), 3);
    for taken in ["b.db", "c.db-wal", "d.db-journal"] {
        std::fs::write(folder.path().join(taken), b"mine").unwrap();
        let target = folder.path().join(&taken[..4]);
        let refused = store.backup(&target, &mut |_, _| {}, None);
        assert!(
            matches!(&refused, Err(Error::AlreadyExists { path }) if path.ends_with(taken)),
            "{taken}: {refused:?}"
        );
        assert_eq!(std::fs::read(folder.path().join(taken)).unwrap(), b"mine");
    }
    let nowhere = folder.path().join("no folder").join("b.db");
    assert!(matches!(store.backup(nowhere, &mut |_, _| {}, None), Err(Error::Io { .. })));
}

#[test]
fn a_backup_that_is_stopped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("a.db"), 2_000);
    let before = names(folder.path());
    let stop = AtomicBool::new(false);
    let calls = Cell::new(0);
    let stopped = store.backup(
        folder.path().join("b.db"),
        &mut |_, _| {
            calls.set(calls.get() + 1);
            stop.store(true, Ordering::Relaxed);
        },
        Some(&stop),
    );
    assert!(matches!(stopped, Err(Error::Interrupted)), "{stopped:?}");
    assert_eq!(calls.get(), 1);
    assert_eq!(names(folder.path()), before);
}

#[test]
fn a_backup_is_of_one_moment_while_others_write() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("a.db"), 1_000);
    let other = open(store.path());
    let mut written = 1_000;
    let writer = |_: u64, _: u64| {
        // Between any two steps of the copy: two entries together.
        let mut tx = other.write().unwrap();
        insert(&mut *tx, &[(id(written + 1), written + 1), (id(written + 2), written + 2)]).unwrap();
        tx.commit().unwrap();
        written += 2;
    };
    let mut writer = writer;
    let target = folder.path().join("b.db");
    store.backup(&target, &mut writer, None).unwrap();
    assert!(written > 1_000);
    let copy = open(&target);
    assert_clean(&copy);
    assert_eq!(copy.read().unwrap().count_entries().unwrap(), 1_000, "as it was when the backup began");
    assert_eq!(store.read().unwrap().count_entries().unwrap(), written);
}

#[test]
fn compaction_gives_space_back_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("a.db"), 1_000);
    let mut tx = store.write().unwrap();
    for number in 1..=900 {
        tx.delete(id(number)).unwrap();
    }
    tx.commit().unwrap();
    let before = export(&store);
    let other = open(store.path());
    let position = store.read().unwrap().position().unwrap().number();
    let report = store.compact().unwrap();
    assert!(report.bytes_after < report.bytes_before / 3, "{report:?}");
    let length = std::fs::metadata(store.path()).unwrap().len();
    assert_eq!(report.bytes_after, length);
    for store in [&store, &other] {
        assert_eq!(export(store), before);
        assert_clean(store);
    }
    assert_eq!(store.read().unwrap().position().unwrap().number(), position);
}

#[test]
fn compaction_waits_its_turn() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(filled(&path, 10));
    let mut options = rekall_core::StoreOptions::default();
    options.busy_timeout = std::time::Duration::from_millis(20);
    let store = SqliteStore::open(&path, &options).unwrap();
    let other = open(&path);
    let tx = other.write().unwrap();
    assert!(matches!(store.compact(), Err(Error::Busy { .. })));
    drop(tx);
    // Readers do not stand in the way.
    let reader = other.read().unwrap();
    reader.count_entries().unwrap();
    store.compact().unwrap();
    assert_eq!(reader.count_entries().unwrap(), 10);
    drop(reader);
    assert_clean(&store);
}

#[test]
fn a_repair_of_a_sound_file_waits_for_nobody_and_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(filled(&path, 10));
    let mut options = rekall_core::StoreOptions::default();
    options.busy_timeout = std::time::Duration::from_millis(20);
    let store = SqliteStore::open(&path, &options).unwrap();
    let other = open(&path);
    let tx = other.write().unwrap();
    assert_eq!(store.repair().unwrap(), rekall_core::RepairReport::default());
    drop(tx);
    let tx = other.write().unwrap();
    sqlite(&*tx).execute("DELETE FROM tag", []).unwrap();
    tx.commit().unwrap();
    let tx = other.write().unwrap();
    assert!(matches!(store.repair(), Err(Error::Busy { .. })), "now there is something to write");
    drop(tx);
    store.repair().unwrap();
    assert_clean(&store);
}

/// While something reads, the log cannot be copied into the file; whoever read does it then, not the next writer.
#[test]
fn a_long_read_leaves_no_log_to_the_next_writer() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("a.db"), 200);
    let other = open(store.path());
    let write = |number| {
        let mut tx = other.write().unwrap();
        insert(&mut *tx, &[(id(number), number)]).unwrap();
        tx.commit().unwrap();
    };
    let next = std::cell::Cell::new(1_000);
    let write_next = || write(next.replace(next.get() + 1));
    let mut write_many = || (0..150).for_each(|_| write_next());
    type LongRead<'a> = &'a dyn Fn(&mut dyn FnMut());
    let long_reads: [(&str, LongRead<'_>); 3] = [
        ("check", &|write| {
            let mut once = Some(write);
            store
                .check_observed(&mut |_, _| once.take().into_iter().for_each(|write| write()), None)
                .unwrap();
        }),
        ("export", &|write| {
            let mut once = Some(write);
            let mut tell = |_, _| once.take().into_iter().for_each(|write| write());
            store
                .export_jsonl(&mut std::io::sink(), &JsonlExportOptions::default(), &mut tell, None)
                .unwrap();
        }),
        ("backup", &|write| {
            let mut once = Some(write);
            let mut tell = |_, _| once.take().into_iter().for_each(|write| write());
            store.backup(folder.path().join("copy.db"), &mut tell, None).unwrap();
        }),
    ];
    for (name, read) in long_reads {
        read(&mut write_many);
        // A log that is copied whole is begun from its start by the next write.
        write_next();
        let raw = rusqlite::Connection::open(store.path()).unwrap();
        let sql = "PRAGMA wal_checkpoint(PASSIVE)";
        let pages: i64 = raw.query_row(sql, [], |row| row.get(1)).unwrap();
        assert!(pages < 100, "{name}: {pages} pages in the log");
    }
}

/// Printed with `REKALL_BENCH=1`: what upkeep costs with 50,000 entries and vectors of 384 components.
#[test]
fn upkeep_costs() {
    let bench = std::env::var("REKALL_BENCH").is_ok();
    let count = if bench { 50_000 } else { 50 };
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("a.db"));
    let words: Vec<String> = {
        let mut random = Random(1);
        (0..5_000).map(|_| format!("{:x}", random.below(1 << 30))).collect()
    };
    let mut random = Random(2);
    let mut tx = store.write().unwrap();
    let space = tx.ensure_active_space("bench", 384).unwrap();
    for number in 0..count {
        let text: Vec<&str> = (0..60).map(|_| words[random.below(5_000) as usize].as_str()).collect();
        let entry =
            rekall_core::NewEntry::new(text[..6].join(" ")).content(text.join(" ")).tags(["a", text[0]]);
        let values = vector_of(number, 384);
        let vectors = [new_vector(&space, number, &values)];
        tx.insert(&[rekall_core::Draft::new(&entry).vectors(&vectors)]).unwrap();
    }
    tx.commit().unwrap();
    let time = |name: &str, work: &mut dyn FnMut()| {
        let start = std::time::Instant::now();
        work();
        if bench {
            println!("{name}: {:?}", start.elapsed());
        }
    };
    time("check", &mut || assert_clean(&store));
    time("backup", &mut || store.backup(folder.path().join("b.db"), &mut |_, _| {}, None).unwrap());
    let mut jsonl = Vec::new();
    time("export", &mut || {
        store.export_jsonl(&mut jsonl, &JsonlExportOptions::default(), &mut |_, _| {}, None).unwrap();
    });
    let copy = open(&folder.path().join("c.db"));
    time("import", &mut || {
        copy.import_jsonl(&mut jsonl.as_slice(), &Default::default(), &mut |_, _| {}, None).unwrap();
    });
    assert!(export(&copy) == jsonl);
    time("repair", &mut || {
        copy.repair().unwrap();
    });
    time("compact", &mut || {
        store.compact().unwrap();
    });
    let mut options = rekall_core::StoreOptions::default();
    options.secure_delete = true;
    let secure = SqliteStore::open(copy.path(), &options).unwrap();
    let first = entries(&secure)[0].1.id;
    time("forget one, with secure delete", &mut || {
        let mut tx = secure.write().unwrap();
        tx.delete(first).unwrap();
        tx.commit().unwrap();
    });
    time("add one, with secure delete", &mut || {
        let mut tx = secure.write().unwrap();
        tx.insert(&[rekall_core::Draft::new(&note(1))]).unwrap();
        tx.commit().unwrap();
    });
    drop((copy, secure));
    time("salvage", &mut || {
        let report =
            SqliteStore::salvage(store.path(), folder.path().join("d.db"), &mut |_, _| {}, None).unwrap();
        assert!(report.is_complete());
    });
    if bench {
        let length = std::fs::metadata(store.path()).unwrap().len();
        println!("{count} entries, {} MiB, {} MiB of JSON", length >> 20, jsonl.len() >> 20);
    }
}
