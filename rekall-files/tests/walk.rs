//! Which files a walk finds, and what it says about the others.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use rekall_files::{WalkOptions, Walked, file_uri, walk};

/// A folder with these files, each with its path as content.
fn folder(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        write(folder.path(), file, file);
    }
    folder
}

fn write(folder: &Path, file: &str, content: &str) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// The files below the first root.
fn names(walked: &Walked) -> Vec<String> {
    let below =
        |path: &Path| path.strip_prefix(&walked.roots[0]).unwrap_or(path).to_string_lossy().into_owned();
    walked.files.iter().map(|file| below(&file.path)).collect()
}

fn found(folder: &tempfile::TempDir) -> Vec<String> {
    names(&walk(&[folder.path()], &WalkOptions::new()).unwrap())
}

/// Names and reasons of what was skipped.
fn skipped(walked: &Walked) -> Vec<(String, &'static str)> {
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    walked.skipped.iter().map(|skipped| (name(&skipped.path), skipped.reason.code())).collect()
}

#[test]
fn files_come_in_the_order_of_their_paths() {
    let folder = folder(&["b.md", "a/z.md", "a/b/c.md", "a.md", " "]);
    assert_eq!(found(&folder), [" ", "a/b/c.md", "a/z.md", "a.md", "b.md"]);
}

#[test]
fn hidden_and_built_files_are_left_out() {
    let files = ["a.md", ".hidden.md", ".git/x.md", "node_modules/p/README.md", "src/__pycache__/x.txt"];
    let folder = folder(&files);
    write(folder.path(), "target/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n# cargo");
    write(folder.path(), "target/doc.md", "x");
    write(folder.path(), "goals/target/CACHEDIR.TAG", "something else");
    assert_eq!(found(&folder), ["a.md", "goals/target/CACHEDIR.TAG"]);
    let all = walk(&[folder.path()], &WalkOptions::new().hidden(true).ignored(true)).unwrap();
    assert_eq!(all.files.len(), 8);
}

#[test]
fn ignore_files_hold_without_a_repository_and_ours_has_the_last_word() {
    let folder = folder(&["a.md", "drafts/b.md", "drafts/keep.md", "log/c.md", "sub/d.tmp", "sub/e.md"]);
    write(folder.path(), ".gitignore", "drafts/*\n*.tmp\n");
    write(folder.path(), ".rekallignore", "log/\n!drafts/keep.md\n");
    write(folder.path(), "sub/.gitignore", "e.md\n");
    assert_eq!(found(&folder), ["a.md", "drafts/keep.md"]);
    assert_eq!(walk(&[folder.path()], &WalkOptions::new().ignored(true)).unwrap().files.len(), 6);
}

#[test]
fn rules_of_the_repository_hold_below_a_part_of_it_unless_they_exclude_that_part() {
    let folder = folder(&[".git/HEAD", "part/a.md", "part/b.tmp", "private/c.md", "private/d.tmp"]);
    write(folder.path(), ".gitignore", "*.tmp\nprivate/\n");
    let part = |name: &str| names(&walk(&[folder.path().join(name)], &WalkOptions::new()).unwrap());
    assert_eq!(part("part"), ["a.md"]);
    assert_eq!(part("private"), ["c.md", "d.tmp"]);
    assert_eq!(found(&folder), ["part/a.md"]);
}

#[test]
fn rules_above_do_not_hold_outside_of_a_repository() {
    let folder = folder(&["notes/a.md"]);
    write(folder.path(), ".gitignore", "*\n");
    let walked = walk(&[folder.path().join("notes")], &WalkOptions::new()).unwrap();
    assert_eq!(names(&walked), ["a.md"]);
}

#[test]
fn a_pattern_that_is_none_is_named() {
    let folder = folder(&["a.md", "b.tmp"]);
    write(folder.path(), ".gitignore", "[z-a]\n*.tmp\n");
    let walked = walk(&[folder.path()], &WalkOptions::new()).unwrap();
    assert_eq!(names(&walked), ["a.md"]);
    assert_eq!(walked.bad_patterns.len(), 1);
    assert!(walked.bad_patterns[0].contains(".gitignore"), "{:?}", walked.bad_patterns);
}

#[test]
fn a_root_can_be_a_file_which_no_rule_excludes() {
    let folder = folder(&["a.md", "b.md"]);
    write(folder.path(), ".rekallignore", "*\n");
    let walked = walk(&[folder.path().join("a.md")], &WalkOptions::new()).unwrap();
    assert_eq!(walked.files.len(), 1);
    assert_eq!(found(&folder), Vec::<String>::new());
}

#[test]
fn overlapping_roots_find_a_file_once_and_under_one_uri() {
    let folder = folder(&["a.md", "sub/b.md"]);
    let root = folder.path();
    let roots = [root.to_owned(), root.join("sub"), root.join("sub/../sub/b.md")];
    let walked = walk(&roots, &WalkOptions::new()).unwrap();
    assert_eq!(names(&walked), ["a.md", "sub/b.md"]);
    assert_eq!(walked.files[1].uri, file_uri(&root.canonicalize().unwrap().join("sub/b.md")));
}

#[test]
fn a_missing_root_is_an_error_and_not_empty() {
    let folder = folder(&["a.md"]);
    let missing = folder.path().join("missing");
    let error = walk(&[folder.path(), &missing], &WalkOptions::new()).unwrap_err();
    assert_eq!((error.path, error.source.kind()), (missing, std::io::ErrorKind::NotFound));
}

#[test]
fn a_stamp_shows_changes_and_nothing_else() {
    let folder = folder(&["a.md"]);
    let stamp = || walk(&[folder.path()], &WalkOptions::new()).unwrap().files[0].stamp;
    let before = stamp();
    assert_eq!(before, stamp());
    write(folder.path(), "a.md", "longer than before");
    assert_ne!(before, stamp());
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn names_that_are_not_utf_8_keep_apart() {
        let folder = tempfile::tempdir().unwrap();
        for name in [&b"a\xE9.md"[..], b"a\xE8.md"] {
            // Some file systems take UTF-8 names only.
            if fs::write(folder.path().join(OsStr::from_bytes(name)), "x").is_err() {
                return;
            }
        }
        let walked = walk(&[folder.path()], &WalkOptions::new()).unwrap();
        let uris: Vec<&str> = walked.files.iter().map(|file| file.uri.rsplit('/').next().unwrap()).collect();
        assert_eq!(uris, ["a%E8.md", "a%E9.md"]);
    }

    #[test]
    fn links_are_followed_only_on_request_and_those_to_outside_are_named() {
        let outside = folder(&["o.md"]);
        let folder = folder(&["a/b.md"]);
        let root = folder.path();
        symlink(root.join("a"), root.join("inside")).unwrap();
        symlink(outside.path(), root.join("outside")).unwrap();
        symlink(root.join("nothing"), root.join("broken")).unwrap();
        symlink(root, root.join("a/loop")).unwrap();

        let walked = walk(&[root], &WalkOptions::new()).unwrap();
        assert_eq!(names(&walked), ["a/b.md"]);
        let expected = [("broken".to_owned(), "symbolic_link"), ("outside".to_owned(), "symbolic_link")];
        assert_eq!(skipped(&walked), expected);

        let walked = walk(&[root], &WalkOptions::new().follow_links(true)).unwrap();
        let mut paths =
            [outside.path().canonicalize().unwrap().join("o.md"), walked.roots[0].join("a/b.md")].to_vec();
        paths.sort();
        assert_eq!(walked.files.iter().map(|file| file.path.clone()).collect::<Vec<_>>(), paths);
        assert!(skipped(&walked).contains(&("loop".to_owned(), "link_loop")), "{:?}", walked.skipped);
        assert!(skipped(&walked).contains(&("broken".to_owned(), "symbolic_link")), "{:?}", walked.skipped);
    }

    #[test]
    fn a_root_that_is_a_link_is_its_target() {
        let folder = folder(&["notes/a.md"]);
        symlink(folder.path().join("notes"), folder.path().join("link")).unwrap();
        let [by_link, direct] = ["link", "notes"]
            .map(|name| walk(&[folder.path().join(name)], &WalkOptions::new()).unwrap().files[0].clone());
        assert_eq!(by_link, direct);
    }

    #[test]
    fn a_hard_link_is_the_same_file() {
        let folder = folder(&["b.md"]);
        fs::hard_link(folder.path().join("b.md"), folder.path().join("a.md")).unwrap();
        let walked = walk(&[folder.path()], &WalkOptions::new()).unwrap();
        assert_eq!(names(&walked), ["a.md"]);
        assert_eq!(skipped(&walked), [("b.md".to_owned(), "same_file")]);
    }

    #[test]
    fn sockets_are_named_and_not_opened() {
        let folder = folder(&["a.md"]);
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket.md")).unwrap();
        let walked = walk(&[folder.path()], &WalkOptions::new()).unwrap();
        assert_eq!(names(&walked), ["a.md"]);
        assert_eq!(skipped(&walked), [("socket.md".to_owned(), "not_a_file")]);
        let skipped = rekall_files::read(&folder.path().join("socket.md"), &Default::default()).unwrap_err();
        assert_eq!(skipped.reason.code(), "not_a_file");
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_named() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder(&["a.md", "closed/b.md"]);
        let closed = folder.path().join("closed");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
        let walked = walk(&[folder.path()], &WalkOptions::new()).unwrap();
        let readable = fs::read_dir(&closed).is_ok();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
        if readable {
            println!("skipped: root can read every folder");
            return;
        }
        assert_eq!(skipped(&walked), [("closed".to_owned(), "unreadable")]);
    }
}
