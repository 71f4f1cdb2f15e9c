//! From a file on the disk to a document, or a reason.
#![allow(clippy::unwrap_used)]

use std::fs;

use rekall_files::{FileKind, Problem, ReadOptions, SkipReason, WalkOptions, read, walk};

fn file(name: &str, content: impl AsRef<[u8]>) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    (folder, path)
}

#[test]
fn a_known_file_with_one_latin_1_byte_is_still_read() {
    let (_folder, path) = file("a.md", b"# Plan\nship\n\xE9");
    let document = read(&path, &ReadOptions::new()).unwrap();
    assert_eq!((document.sections.len(), document.sections[0].text.as_str()), (1, "ship\né"));
    assert_eq!((document.encoding, document.problems.len()), ("windows-1252", 0));

    let (_folder, path) = file("b.md", b"caf\xC3\xA9 caf\xE9");
    let document = read(&path, &ReadOptions::new()).unwrap();
    assert_eq!(document.sections[0].text, "café café");
    assert_eq!(document.problems, [Problem::StrayBytes { count: 1, encoding: "UTF-8" }]);
}

#[test]
fn a_file_over_the_limit_is_skipped_whole() {
    let (_folder, path) = file("a.md", "x".repeat(101));
    assert!(read(&path, &ReadOptions::new().max_bytes(101)).is_ok());
    let skipped = read(&path, &ReadOptions::new().max_bytes(100)).unwrap_err();
    assert_eq!(skipped.path, path);
    assert!(matches!(skipped.reason, SkipReason::TooLarge { bytes: 101, limit: 100 }), "{skipped}");
    fs::write(&path, vec![b'x'; (1 << 20) + 1]).unwrap();
    assert_eq!(read(&path, &ReadOptions::new()).unwrap_err().reason.code(), "too_large");
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_hides_its_size_is_bounded() {
    // Its size is said to be 0.
    let skipped = read("/proc/cpuinfo".as_ref(), &ReadOptions::new().max_bytes(10)).unwrap_err();
    assert!(matches!(skipped.reason, SkipReason::TooLarge { bytes: 11, limit: 10 }), "{skipped}");
}

#[test]
fn every_reason_names_the_file() {
    let (folder, path) = file("a.bin", "x");
    assert_eq!(read(&path, &ReadOptions::new()).unwrap_err().reason.code(), "unknown_kind");
    let document = read(&path, &ReadOptions::new().plain_text_extension("BIN")).unwrap();
    assert_eq!((document.kind, document.title.as_str()), (FileKind::PlainText, "a"));

    let missing = read(&folder.path().join("gone.md"), &ReadOptions::new()).unwrap_err();
    assert!(missing.to_string().contains("gone.md: unreadable"), "{missing}");
    let folder_itself = folder.path().join("folder.md");
    fs::create_dir(&folder_itself).unwrap();
    assert_eq!(read(&folder_itself, &ReadOptions::new()).unwrap_err().reason.code(), "not_a_file");
}

#[test]
fn a_file_named_with_a_space_is_read() {
    let (_folder, path) = file(" ", "x");
    let document = read(&path, &ReadOptions::new()).unwrap();
    assert_eq!((document.title.as_str(), document.sections[0].text.as_str()), ("\" \"", "x"));
}

#[test]
fn the_stamp_of_a_file_that_was_read_is_the_walks() {
    let (folder, path) = file("a.md", "x");
    let walked = || walk(&[folder.path()], &WalkOptions::new()).unwrap().files[0].stamp.to_string();
    let stamp = read(&path, &ReadOptions::new()).unwrap().stamp.unwrap().to_string();
    // Read in the tick of its change, it is marked; nothing else differs.
    assert_eq!(stamp.trim_end_matches('+'), walked());
    fs::write(&path, "yy").unwrap();
    assert_ne!(stamp, walked());
}
