//! The command `watch`: notes follow their files while it runs.

#![cfg(all(unix, feature = "bundled-model", feature = "files"))]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::program::World;

#[test]
fn notes_follow_their_files_until_ctrl_c() {
    let world = World::new();
    let file = world.write("notes/plan.md", "# Plan\n\n## Next week\nShip it.\n");
    let mut child = world
        .command(&["--json", "watch", "notes"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut report = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(report()["added"], 1);

    fs::write(&file, "# Plan\n\n## Next week\nShip it on Monday.\n").unwrap();
    let changed = report();
    assert_eq!((&changed["changed"], &changed["added"]), (&1.into(), &0.into()), "{changed}");
    fs::rename(&file, world.path("notes/plans.md")).unwrap();
    let moved = report();
    assert_eq!((&moved["moved"], &moved["added"]), (&1.into(), &0.into()), "{moved}");
    // What is no text of a known kind is not told of: the next line is about the file after it.
    world.write("notes/picture.bin", "x");
    world.write("notes/other.md", "# Other\nRest.\n");
    assert_eq!(report()["added"], 1);

    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let stopped = report();
    assert_eq!(stopped["error"]["kind"], "interrupted", "{stopped}");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(world.titles(&["search", "ship"])[0], "Plan > Next week");
}

/// What is written to a pipe, line by line.
fn lines(pipe: impl Read) -> impl FnMut() -> String {
    let mut lines = BufReader::new(pipe).lines();
    move || lines.next().expect("another line").unwrap()
}

fn watching(world: &World) -> Child {
    let mut command = world.command(&["--json", "watch", "notes"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn interrupt(child: &mut Child) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_locked_file_is_waited_for_and_told_once() {
    let world = World::new();
    world.write("notes/plan.md", "# Plan\nShip it.\n");
    let mut child = watching(&world);
    let (mut out, mut err) = (lines(child.stdout.take().unwrap()), lines(child.stderr.take().unwrap()));
    assert!(out().contains(r#""added":1"#));

    let other = rusqlite::Connection::open(world.path("knowledge.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    world.write("notes/plan.md", "# Plan\nShip it on Monday.\n");
    let told = err();
    assert!(told.contains("not taken up yet") && told.contains("trying again"), "{told}");
    other.execute_batch("ROLLBACK").unwrap();
    let report = out();
    assert!(report.contains(r#""changed":1"#), "{report}");
    interrupt(&mut child);
}

#[test]
fn a_file_with_notes_that_cannot_be_read_is_told_once() {
    let world = World::new();
    world.write("notes/plan.md", "# Plan\nShip it.\n");
    world.write("notes/other.md", "# Other\nRest.\n");
    let mut child = watching(&world);
    let mut out = lines(child.stdout.take().unwrap());
    assert!(out().contains(r#""added":2"#));

    fs::write(world.path("notes/plan.md"), b"# Plan\0\x01\x02\nShip it.\n").unwrap();
    let report: Value = serde_json::from_str(&out()).unwrap();
    let skipped = &report["skipped"][0];
    assert_eq!((&skipped["has_notes"], &report["kept"]), (&true.into(), &2.into()), "{report}");
    world.write("notes/other.md", "# Other\nRest more.\n");
    assert!(out().contains(r#""changed":1"#));
    interrupt(&mut child);
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!(told.matches("plan.md: binary; its notes stay as they are").count(), 1, "{told}");
    assert_eq!(world.titles(&["ship", "--limit=1"]), ["Plan"]);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let (kind, message, code) = World::new().error(&["watch", "nowhere"]);
    assert_eq!((kind.as_str(), code), ("not_found", 1));
    assert!(message.contains("nowhere"), "{message}");
}
