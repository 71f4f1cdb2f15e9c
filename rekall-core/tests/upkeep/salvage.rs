//! A damaged file gives what it still holds, and says what it does not.

use std::collections::BTreeSet;
use std::path::Path;

use rekall_core::{EntryId, Error, Relation, SalvageReport, SqliteStore, Store};

use crate::upkeep_common::*;

const ENTRIES: u64 = 400;

fn salvage(source: &Path, target: &Path) -> Result<SalvageReport, Error> {
    let before = std::fs::read(source).unwrap();
    let report = SqliteStore::salvage(source, target, &mut |_, _| {}, None);
    assert_eq!(std::fs::read(source).unwrap(), before, "the original is only read");
    let folder = target.parent().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.contains("partial"), "{name} is left");
    }
    report
}

/// A sound file, its bytes, and its entries.
fn sound(folder: &Path) -> (std::path::PathBuf, Vec<u8>) {
    let path = folder.join("sound.db");
    let store = filled(&path, ENTRIES);
    let mut tx = store.write().unwrap();
    for number in (1..ENTRIES).step_by(10) {
        tx.link(id(number), id(number + 1), &Relation::from("next"), None).unwrap();
    }
    tx.commit().unwrap();
    drop(store);
    let bytes = std::fs::read(&path).unwrap();
    (path, bytes)
}

#[test]
fn a_sound_file_is_carried_over_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = sound(folder.path());
    let target = folder.path().join("target.db");
    let report = salvage(&path, &target).unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert_eq!((report.entries, report.vectors, report.links), (ENTRIES, ENTRIES, 40));
    let (before, after) = (open(&path), open(&target));
    assert_eq!(export(&after), export(&before));
    assert_clean(&after);
    // Also what is in the log only.
    let mut tx = before.write().unwrap();
    tx.delete(id(1)).unwrap();
    tx.commit().unwrap();
    let second = folder.path().join("second.db");
    salvage(&path, &second).unwrap();
    assert_eq!(export(&open(&second)), export(&before));
    let refused = SqliteStore::salvage(&path, &second, &mut |_, _| {}, None);
    assert!(matches!(refused, Err(Error::AlreadyExists { .. })));
}

#[test]
fn damaged_pages_cost_what_was_on_them() {
    let folder = tempfile::tempdir().unwrap();
    let (_, bytes) = sound(folder.path());
    let pages = bytes.len() / 8_192;
    let all: BTreeSet<EntryId> = (1..=ENTRIES).map(id).collect();
    let mut random = Random(3);
    let (mut saved, mut lossy) = (0, 0);
    for round in 0..40 {
        let mut damaged = bytes.clone();
        // Whole pages but the first, which holds the list of tables.
        for _ in 0..=round % 3 {
            let page = 1 + random.below(pages as u64 - 1) as usize;
            damaged[page * 8_192..(page + 1) * 8_192].fill(if round % 2 == 0 { 0 } else { 0xaa });
        }
        let path = folder.path().join(format!("damaged-{round}.db"));
        std::fs::write(&path, &damaged).unwrap();
        let target = folder.path().join(format!("target-{round}.db"));
        let report = match salvage(&path, &target) {
            Ok(report) => report,
            // The list of tables goes on on other pages.
            Err(Error::Corrupt { .. } | Error::NotADatabase { .. }) => {
                assert!(!target.exists());
                continue;
            }
            Err(error) => panic!("round {round}: {error}"),
        };
        let store = open(&target);
        assert_clean(&store);
        let mut found = BTreeSet::new();
        let (mut mended, mut cut) = (0, BTreeSet::new());
        for (row, entry) in entries(&store) {
            if report.repaired.iter().any(|mended| mended.id == entry.id) {
                mended += 1;
                continue;
            }
            // The end of a long text that was overwritten with zeroes.
            if entry.content.contains('\0') {
                cut.insert(entry.id);
                continue;
            }
            assert!(says(&entry, row as u64) && entry.id == id(row as u64), "round {round}: row {row}");
            found.insert(entry.id);
        }
        let lost: BTreeSet<EntryId> = all.difference(&found).copied().collect();
        if !lost.is_empty() {
            lossy += 1;
            for id in &lost {
                let row: i64 = id.to_string().parse().unwrap();
                let told = report.lost.contains(id)
                    || report.unreadable_rows.iter().any(|&(low, high)| (low..=high).contains(&row));
                assert!(told || mended > 0 || cut.contains(id), "round {round}: {id} is lost without a word");
            }
        }
        saved += found.len() as u64;
    }
    assert!(lossy > 3, "the damage must hit entries at times, or nothing is shown");
    assert!(saved > 40 * ENTRIES / 2, "{saved} entries saved in 40 rounds");
}

#[test]
fn a_truncated_file_gives_its_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let (_, bytes) = sound(folder.path());
    let mut most = 0;
    for eighth in 1..8 {
        let path = folder.path().join(format!("cut-{eighth}.db"));
        std::fs::write(&path, &bytes[..bytes.len() * eighth / 8 + 100]).unwrap();
        assert!(SqliteStore::open(&path, &Default::default()).is_err());
        let target = folder.path().join(format!("target-{eighth}.db"));
        match salvage(&path, &target) {
            Ok(report) => {
                let store = open(&target);
                assert_clean(&store);
                most = most.max(report.entries);
                assert_eq!(store.read().unwrap().count_entries().unwrap(), report.entries);
            }
            Err(error) => {
                assert!(matches!(error, Error::Corrupt { .. } | Error::NotADatabase { .. }), "{error}")
            }
        }
    }
    assert!(most > ENTRIES / 4, "{most} entries at best");
}

#[test]
fn a_damaged_header_is_set_right() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut bytes) = sound(folder.path());
    let expected = export(&open(&path));
    bytes[..24].fill(0x55);
    let damaged = folder.path().join("damaged.db");
    std::fs::write(&damaged, &bytes).unwrap();
    assert!(matches!(SqliteStore::open(&damaged, &Default::default()), Err(Error::NotADatabase { .. })));
    let target = folder.path().join("target.db");
    salvage(&damaged, &target).unwrap();
    assert_eq!(export(&open(&target)), expected);
}

#[test]
fn other_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [("empty", &b""[..]), ("text", &b"notes\n".repeat(500)), ("zeroes", &[0; 20_000])] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = salvage(&path, &folder.path().join("target.db")).expect_err(name);
        assert!(matches!(error, Error::Corrupt { .. } | Error::NotADatabase { .. }), "{name}: {error}");
    }
    let error =
        SqliteStore::salvage(folder.path().join("none"), folder.path().join("t"), &mut |_, _| {}, None);
    assert!(matches!(error, Err(Error::FileNotFound { .. })));
}

/// Two pages of entries in each other's place are no error to SQLite: row numbers go back.
#[test]
fn entries_out_of_order_are_named_and_carried_over() {
    let folder = tempfile::tempdir().unwrap();
    let (sound, mut bytes) = sound(folder.path());
    let is_of_entries = |page: &[u8]| page[0] == 13 && page.windows(12).any(|text| text == b"said in note");
    let pages: Vec<usize> = (1..bytes.len() / 8_192)
        .filter(|page| is_of_entries(&bytes[page * 8_192..(page + 1) * 8_192]))
        .collect();
    let (first, last) = (pages[0] * 8_192, pages[pages.len() - 1] * 8_192);
    let (low, high) = bytes.split_at_mut(last);
    low[first..first + 8_192].swap_with_slice(&mut high[..8_192]);
    let path = folder.path().join("damaged.db");
    std::fs::write(&path, &bytes).unwrap();

    let (tell, told) = std::sync::mpsc::channel();
    let damaged = path.clone();
    std::thread::spawn(move || {
        let store = open(&damaged);
        let report = store.check().unwrap();
        assert!(
            report.problems.iter().any(|problem| problem.detail.contains("must go forward")),
            "{report:#?}"
        );
        assert!(matches!(store.repair(), Err(Error::Corrupt { detail }) if detail.contains("salvage")));
        let walked = store.read().unwrap().entries_after(0, 1_000);
        assert!(
            matches!(walked, Err(Error::Corrupt { .. })),
            "a walk that goes on from its last row would not end"
        );
        drop(store);
        tell.send(()).unwrap();
    });
    told.recv_timeout(std::time::Duration::from_secs(10)).expect("looked at and refused, soon");

    let target = folder.path().join("target.db");
    let report = salvage(&path, &target).unwrap();
    assert_eq!((report.entries, report.vectors), (ENTRIES, ENTRIES), "{report:?}");
    let saved = open(&target);
    assert_clean(&saved);
    assert_eq!(export(&saved), export(&open(&sound)));
}
