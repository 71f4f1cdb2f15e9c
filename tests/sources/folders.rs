//! Folders of files: what becomes of the entries when files are edited, moved, broken, or not there.
#![cfg(feature = "files")]

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{Memory, memory_with};
use rekall::{Entry, EntryPatch, Error, Filter, NewEntry, Relation, SyncReport};
use serde_json::json;

/// A memory, and a folder of files in the folder that it lies in.
fn world() -> (Memory, PathBuf) {
    let memory = memory_with(rekall::Builder::without_model);
    let notes = memory.folder.path().join("notes");
    fs::create_dir(&notes).unwrap();
    (memory, notes.canonicalize().unwrap())
}

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn sync(memory: &Memory, root: &Path) -> SyncReport {
    memory.sync_folder(root).run().unwrap()
}

/// Runs until every file is old enough for its stamp to be trusted: nothing but stamps is written.
fn settle(memory: &Memory, root: &Path) -> SyncReport {
    loop {
        let report = sync(memory, root);
        assert_eq!((report.added, report.changed, report.moved, report.gone), (0, 0, 0, 0), "{report:?}");
        if report.read == 0 {
            return report;
        }
    }
}

fn only(memory: &Memory, content: &str) -> Entry {
    let all = memory.list(Filter::new(), None, 1_000).unwrap();
    let found: Vec<Entry> = all.into_iter().filter(|entry| entry.content == content).collect();
    let [entry] = &found[..] else { panic!("{} entries say {content:?}", found.len()) };
    entry.clone()
}

/// Tags the entry as a person would, and links it.
fn mark(memory: &Memory, content: &str) -> Entry {
    let entry = only(memory, content);
    let other = memory.remember(NewEntry::new("why")).unwrap();
    memory.link(entry.id, other, Relation::RELATED, None).unwrap();
    memory.update(entry.id, &EntryPatch::new().tags(["mine"])).unwrap();
    entry
}

#[track_caller]
fn assert_marked(memory: &Memory, entry: &Entry) {
    let now = memory.get(entry.id).unwrap();
    assert_eq!(now.tags, ["mine"]);
    assert_eq!(memory.links(entry.id).unwrap().len(), 1);
}

#[test]
fn a_file_that_can_no_longer_be_read_keeps_its_notes() {
    let (memory, notes) = world();
    write(&notes, "a.md", "# Plan\nship\n");
    write(&notes, "b.md", "# Log\nshipped\n");
    assert_eq!(sync(&memory, &notes).added, 2);
    let plan = mark(&memory, "ship");
    // Binary, too large, a folder in its place: each is named, and nothing of it is forgotten.
    write(&notes, "a.md", b"# Plan\nship\n\0\0\0\xff\xfe\0");
    let report = sync(&memory, &notes);
    assert_eq!((report.gone, report.kept, report.skipped.len()), (0, 2, 1));
    assert!(report.skipped[0].uri.ends_with("/a.md"), "{report:?}");
    write(&notes, "a.md", "# Plan\nship\n".to_owned() + &"more\n".repeat(400_000));
    assert!(sync(&memory, &notes).skipped[0].reason.contains("1048576"));
    assert_marked(&memory, &plan);
    fs::remove_file(notes.join("a.md")).unwrap();
    write(&notes, "a.md/c.md", "# Other\nsomething else\n");
    let report = sync(&memory, &notes);
    assert_eq!((report.gone, report.held_back, report.added, report.skipped.len()), (0, 0, 1, 1));
    assert!(report.skipped[0].uri.ends_with("/a.md") && report.skipped[0].reason.contains("folder"));
    assert_marked(&memory, &plan);
    fs::remove_dir_all(notes.join("a.md")).unwrap();
    // A single byte of another encoding breaks nothing.
    write(&notes, "a.md", b"# Plan\nship\n\xe9t\xe9\n");
    let report = sync(&memory, &notes);
    assert_eq!((report.changed, report.skipped.len()), (1, 0));
    assert_eq!(memory.get(plan.id).unwrap().content, "ship\nété");
    assert_marked(&memory, &plan);
}

#[test]
fn a_root_that_is_missing_or_emptied_forgets_nothing() {
    let (memory, notes) = world();
    write(&notes, "a.md", "# Plan\nship\n");
    sync(&memory, &notes);
    let moved = memory.folder.path().join("elsewhere");
    fs::rename(&notes, &moved).unwrap();
    let missing = memory.sync_folder(&notes).run();
    assert!(matches!(missing, Err(Error::Folder { .. })), "{missing:?}");
    fs::create_dir(&notes).unwrap();
    let report = sync(&memory, &notes);
    assert_eq!((report.gone, report.held_back), (0, 1));
    assert_eq!(memory.sync_folder(&notes).prune(true).run().unwrap().gone, 1);
}

/// A stray file is not what was there.
#[test]
fn an_emptied_root_with_something_else_in_it_forgets_nothing() {
    let (memory, notes) = world();
    write(&notes, "a.md", "# Plan\nship\n");
    write(&notes, "b.md", "# Log\nshipped\n");
    sync(&memory, &notes);
    fs::remove_file(notes.join("a.md")).unwrap();
    fs::remove_file(notes.join("b.md")).unwrap();
    write(&notes, "x.png", b"\x89PNG\0");
    let report = sync(&memory, &notes);
    assert_eq!((report.gone, report.held_back, report.skipped.len()), (0, 2, 1), "{report:?}");
    write(&notes, "README.md", "# This disk\nis for backups of other things\n");
    let report = sync(&memory, &notes);
    assert_eq!((report.gone, report.held_back, report.added), (0, 2, 1), "{report:?}");
    // One of them is there again: the other one was deleted.
    write(&notes, "b.md", "# Log\nshipped\n");
    let report = sync(&memory, &notes);
    assert_eq!((report.gone, report.held_back, report.kept), (1, 0, 2), "{report:?}");
    // A file that says something else now is there, one that says nothing may have been cut off.
    let one = notes.join("b.md");
    fs::remove_file(notes.join("README.md")).unwrap();
    let alone = |text: &str| {
        fs::write(&one, text).unwrap();
        let report = memory.sync_folder(&one).run().unwrap();
        (report.added, report.gone, report.held_back)
    };
    assert_eq!(alone(""), (0, 0, 1));
    assert_eq!(alone("# Elsewhere\nnothing of what it said\n"), (1, 1, 0));
}

/// Runs in a child only, which may not read everything.
#[test]
fn child_synchronizes_a_folder() {
    let (Ok(file), Ok(notes)) = (std::env::var("REKALL_CLOSED_FILE"), std::env::var("REKALL_CLOSED_NOTES"))
    else {
        return;
    };
    let memory = rekall::Rekall::builder(file).without_model().open().unwrap();
    println!("\n> {}", serde_json::to_string(&memory.sync_folder(notes).run().unwrap()).unwrap());
}

#[cfg(unix)]
#[test]
fn files_and_folders_that_may_not_be_read_keep_their_notes() {
    use std::os::unix::fs::{PermissionsExt, chown};
    use std::os::unix::process::CommandExt;
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let base = tempfile::tempdir().unwrap();
    mode(base.path(), 0o777);
    // Where the test program lies others may not be allowed to look.
    let program = base.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    mode(&program, 0o755);
    let notes = base.path().join("notes");
    write(&notes, "a.md", "# Plan\nship\n");
    write(&notes, "closed/b.md", "# Log\nshipped\n");
    write(&notes, "c.md", "# Rest\nrest\n");
    // Permissions do not hold the superuser back: the child is somebody else then.
    let superuser = chown(&program, Some(0), None).is_ok();
    let sync = || -> serde_json::Value {
        let mut command = std::process::Command::new(&program);
        command.args(["folders::child_synchronizes_a_folder", "--exact", "--nocapture", "--test-threads=1"]);
        command.env("REKALL_CLOSED_FILE", base.path().join("a.db")).env("REKALL_CLOSED_NOTES", &notes);
        command.current_dir(base.path());
        if superuser {
            command.uid(65_534).gid(65_534);
        }
        let out = command.output().unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        let report = text.lines().find_map(|line| line.strip_prefix("> "));
        serde_json::from_str(report.unwrap_or_else(|| panic!("{text}"))).unwrap()
    };
    assert_eq!(sync()["added"], 3);
    mode(&notes.join("a.md"), 0o000);
    mode(&notes.join("closed"), 0o000);
    // It has changed, so that the file is to be read.
    write(&notes, "c.md", "# Rest\nrest a while\n");
    let report = sync();
    let skipped: Vec<&str> =
        report["skipped"].as_array().unwrap().iter().map(|one| one["uri"].as_str().unwrap()).collect();
    assert!(skipped.len() == 2 && skipped.iter().any(|uri| uri.ends_with("/a.md")), "{report}");
    assert!(skipped.iter().any(|uri| uri.ends_with("/closed")), "{report}");
    assert_eq!((&report["changed"], &report["kept"]), (&1.into(), &2.into()), "{report}");
    assert_eq!((&report["gone"], &report["held_back"]), (&0.into(), &0.into()), "{report}");
    mode(&notes.join("closed"), 0o755);
    mode(&notes.join("a.md"), 0o644);
    assert_eq!(sync()["kept"], 3);
}

#[test]
fn headings_and_files_may_be_renamed() {
    let (memory, notes) = world();
    write(&notes, "a.md", "# Shop\n\n## TODO\nbuy milk\n\n## TODO\nbuy bread\n");
    sync(&memory, &notes);
    let milk = mark(&memory, "buy milk");
    let bread = only(&memory, "buy bread");
    write(&notes, "a.md", "# Shop\n\n## TODO\nclean up\n\n## TODO\nbuy milk\n\n## TODO\nbuy bread\n");
    assert_eq!(sync(&memory, &notes).added, 1);
    assert_eq!(only(&memory, "buy milk").id, milk.id);
    assert_marked(&memory, &milk);
    assert!(only(&memory, "clean up").tags.is_empty());
    fs::rename(notes.join("a.md"), notes.join("b.md")).unwrap();
    assert_eq!(sync(&memory, &notes).moved, 3);
    assert_eq!((only(&memory, "buy milk").id, only(&memory, "buy bread").id), (milk.id, bread.id));
    let source = memory.get(milk.id).unwrap().source.unwrap();
    assert!(source.uri.ends_with("/b.md") && source.line == Some(6), "{source:?}");
    assert_eq!(source.path, ["Shop", "TODO"]);
}

#[test]
fn a_folder_within_a_folder_changes_nothing() {
    let (memory, notes) = world();
    write(&notes, "a.md", "# Plan\nship\n");
    write(&notes, "sub/b.md", "# Log\nshipped\n");
    assert_eq!(sync(&memory, &notes).added, 2);
    settle(&memory, &notes);
    let before = memory.list(Filter::new(), None, 10).unwrap();
    let project = notes.file_name().unwrap().to_str().unwrap();
    assert!(before.iter().all(|entry| entry.project.as_deref() == Some(project)));
    let version = memory.store().data_version().unwrap();
    for root in [notes.join("sub"), notes.clone(), notes.join("sub/b.md")] {
        let report = sync(&memory, &root);
        assert_eq!((report.read, report.changed, report.gone, report.held_back), (0, 0, 0, 0), "{root:?}");
    }
    assert_eq!(memory.store().data_version().unwrap(), version, "nothing was written");
    assert_eq!(memory.list(Filter::new(), None, 10).unwrap(), before);
    // A project that is given is everybody's.
    write(&notes, "sub/b.md", "# Log\nshipped at noon\n");
    let report = memory.sync_folder(&notes).project("work").run().unwrap();
    assert_eq!(report.changed, 1, "files that have not changed are not looked at");
    assert_eq!(only(&memory, "shipped at noon").project.as_deref(), Some("work"));
    settle(&memory, &notes);
    let both = memory.sync_folders([notes.join("sub"), notes.join("a.md")]).run().unwrap();
    assert_eq!((both.current, both.held_back), (2, 0));
}

#[test]
fn front_matter_becomes_fields_and_its_tags_stay_apart() {
    let (memory, notes) = world();
    write(
        &notes,
        "a.md",
        "---\ntags: [work]\ndate: 2024-07-01\nstatus: draft\naliases: [Ship]\n---\n# Plan\nship\n",
    );
    sync(&memory, &notes);
    let entry = only(&memory, "ship");
    assert_eq!((entry.tags.as_slice(), entry.created_at), (&["work".to_owned()][..], 1_719_792_000_000));
    assert_eq!((&entry.metadata["status"], &entry.metadata["aliases"]), (&json!("draft"), &json!(["Ship"])));
    memory.update(entry.id, &EntryPatch::new().tags(["work", "mine"])).unwrap();
    write(&notes, "a.md", "---\ntags: [home]\n---\n# Plan\nship\n");
    assert_eq!(sync(&memory, &notes).changed, 1);
    assert_eq!(memory.get(entry.id).unwrap().tags, ["mine", "home"]);
}

/// As the example program made them before there were sources.
#[test]
fn entries_that_name_their_file_in_their_metadata_become_its_own() {
    let (memory, notes) = world();
    write(&notes, "a.md", "# Shop\n\n## TODO\nbuy milk\n\n## TODO\nbuy bread\n\n## Later\nrest\n");
    write(&notes, "plain.txt", "only text\n");
    let made = |file: &str, section: &str, title: &str, content: &str| {
        let source = json!({ "path": notes.join(file), "section": section, "digest": "0" });
        let entry = NewEntry::new(title).content(content).tags(["mine"]).metadata("source", source);
        memory.remember(entry.metadata("own", 1)).unwrap()
    };
    let milk = made("a.md", "Shop > TODO", "Shop > TODO", "buy milk");
    let bread = made("a.md", "Shop > TODO (2)", "Shop > TODO", "buy bread");
    let gone = made("a.md", "Shop > Done", "Shop > Done", "something entirely different that was deleted");
    let plain = made("plain.txt", "", "plain.txt", "only text");
    let elsewhere =
        memory.remember(NewEntry::new("of elsewhere").metadata("source", json!({"path": "/x"}))).unwrap();
    let report = sync(&memory, &notes);
    assert_eq!((report.added, report.gone), (1, 1), "{report:?}");
    for (id, content) in [(milk, "buy milk"), (bread, "buy bread"), (plain, "only text")] {
        let entry = memory.get(id).unwrap();
        assert_eq!((entry.content.as_str(), entry.tags.as_slice()), (content, &["mine".to_owned()][..]));
        assert_eq!(entry.metadata, serde_json::from_str(r#"{"own": 1}"#).unwrap());
        assert!(entry.source.is_some());
    }
    assert!(memory.get(gone).is_err());
    assert_eq!(memory.get(elsewhere).unwrap().metadata["source"]["path"], "/x");
    assert_eq!(settle(&memory, &notes).current, 2);
}

/// All at once, whatever is indexed first: what is adopted later would be there twice by then.
#[test]
fn entries_of_files_outside_of_the_first_folder_become_their_own_too() {
    let (memory, notes) = world();
    write(&notes, "a.md", "# Shop\nbuy milk\n");
    write(&notes, "sub/b.md", "# Log\nshipped\n");
    let made = |path: &str, section: &str, content: &str| {
        let source = json!({ "path": path, "section": section, "digest": "0" });
        let entry = NewEntry::new(section).content(content).tags(["mine"]).metadata("source", source);
        memory.remember(entry).unwrap()
    };
    let milk = made(notes.join("a.md").to_str().unwrap(), "Shop", "buy milk");
    let log = made(notes.join("sub/b.md").to_str().unwrap(), "Log", "shipped");
    let own = memory
        .remember(NewEntry::new("a host's own").metadata("source", json!({"path": "/x", "section": "y"})))
        .unwrap();
    for root in [notes.join("sub"), notes.clone()] {
        let report = sync(&memory, &root);
        assert_eq!((report.added, report.gone, report.held_back), (0, 0, 0), "{report:?}");
    }
    assert_eq!((only(&memory, "buy milk").id, only(&memory, "shipped").id), (milk, log));
    assert_eq!(memory.sources("").unwrap().len(), 2);
    assert!(memory.get(own).unwrap().source.is_none());
}

/// A file that is a source has entries of its own; for every other one it is decided alone.
#[test]
fn entries_of_earlier_versions_are_adopted_file_by_file() {
    let (memory, notes) = world();
    write(&notes, "a.md", "# Shop\nbuy milk\n");
    assert_eq!(sync(&memory, &notes).added, 1);
    let made = |file: &str, section: &str, content: &str| {
        let source = json!({ "path": notes.join(file), "section": section, "digest": "0" });
        let entry = NewEntry::new(section).content(content).tags(["mine"]).metadata("source", source);
        memory.remember(entry).unwrap()
    };
    let [shop, log, gone] = [
        made("a.md", "Shop", "buy bread"),
        made("sub/b.md", "Log", "shipped"),
        made("sub/c.md", "Rest", "rest until the end of the week"),
    ];
    settle(&memory, &notes);
    assert!(memory.get(log).unwrap().source.is_none(), "there is no new file");
    write(&notes, "sub/b.md", "# Log\nshipped\n");
    write(&notes, "sub/d.md", "# Rest\nrest until the end of the week\n");
    let report = sync(&memory, &notes);
    assert_eq!((report.added, report.gone, report.held_back), (0, 0, 0), "{report:?}");
    let source = |id| memory.get(id).unwrap().source.map(|source| source.uri);
    assert!(source(log).unwrap().ends_with("/sub/b.md"));
    assert!(source(gone).unwrap().ends_with("/sub/d.md"), "the file has another name now");
    let left = memory.get(shop).unwrap();
    assert_eq!((left.source, left.tags.as_slice()), (None, &["mine".to_owned()][..]));
    assert_eq!(left.metadata["source"]["section"], "Shop");
    assert_eq!(only(&memory, "shipped").tags, ["mine"]);
    assert_eq!(memory.count(Filter::new()).unwrap(), 4);
}

/// Skipped is not gone: there is something in its place.
#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_a_file_keeps_its_notes_unless_it_leads_to_another_one() {
    use std::os::unix::fs::symlink;
    let (memory, notes) = world();
    write(&notes, "a.md", "# Plan\nship\n");
    write(&notes, "b.md", "# Log\nshipped\n");
    sync(&memory, &notes);
    let plan = mark(&memory, "ship");
    fs::remove_file(notes.join("a.md")).unwrap();
    symlink(notes.join("nothing.md"), notes.join("a.md")).unwrap();
    let report = sync(&memory, &notes);
    assert_eq!((report.gone, report.held_back, report.kept), (0, 0, 2), "{report:?}");
    let [skipped] = &report.skipped[..] else { panic!("{report:?}") };
    assert!(skipped.uri.ends_with("/a.md") && skipped.reason.contains("link"), "{skipped:?}");
    assert_marked(&memory, &plan);
    // What it says is read under its own name.
    write(&notes, "nothing.md", "# Plan\nship\n");
    let report = sync(&memory, &notes);
    assert_eq!((report.moved, report.gone, report.skipped.len()), (1, 0, 0), "{report:?}");
    assert_marked(&memory, &plan);
    // Now the file is in nobody's place.
    fs::remove_file(notes.join("a.md")).unwrap();
    fs::remove_file(notes.join("nothing.md")).unwrap();
    assert_eq!(sync(&memory, &notes).gone, 1);
}

/// Two names that look alike when they are shown, and one of a blank.
#[cfg(target_os = "linux")]
#[test]
fn any_name_is_a_file_of_its_own() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let (memory, notes) = world();
    for (name, text) in [
        (&b"\xff.md"[..], "one"),
        (b"\xfe.md", "two"),
        (b" .md", "three"),
        (b" ", "four"),
        (b"a%20b#?.md", "five"),
    ] {
        fs::write(notes.join(OsStr::from_bytes(name)), text).unwrap();
    }
    let report = sync(&memory, &notes);
    assert_eq!((report.added, report.skipped.len()), (5, 0), "{report:?}");
    assert_eq!(settle(&memory, &notes).current, 5);
    assert_eq!(memory.sources("").unwrap().len(), 5);
}
