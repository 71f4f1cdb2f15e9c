//! The command `watch`: notes follow their files while it runs.

#![cfg(all(unix, feature = "bundled-model", feature = "files"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/cli.rs"]
mod world;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use world::World;

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

#[test]
fn a_folder_that_is_not_there_is_named() {
    let (kind, message, code) = World::new().error(&["watch", "nowhere"]);
    assert_eq!((kind.as_str(), code), ("not_found", 1));
    assert!(message.contains("nowhere"), "{message}");
}
