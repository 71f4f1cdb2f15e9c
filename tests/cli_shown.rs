//! What the command line program shows to people, and what of it programs get.

#![cfg(all(feature = "bundled-model", feature = "files"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/cli.rs"]
mod world;

use std::path::Path;
use std::process::Output;

use regex::Regex;

use world::{World, count, program};

fn stdout(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Notes of which one is long, and says in its middle what the others do not.
fn world_with_notes() -> World {
    let world = World::new();
    let around = "The harbor wall was painted in spring. ".repeat(60);
    let long = format!("{around}\n\nThe lighthouse keeper drinks chicory coffee.\n\n{around}");
    world.add(&["Notes about the harbor", "--content", &long, "--tag=sea", "--project=coast"]);
    world.add(&["Coffee prices rise", "--content=A pound costs seven.", "--kind=bug"]);
    world.add(&["A keeper of bees"]);
    world
}

#[test]
fn the_number_shown_is_the_one_that_orders_the_hits() {
    let world = world_with_notes();
    let line = Regex::new(r"(?m)^ +(\d+) +(-?\d+\.\d\d)  (.+)$").unwrap();
    for mode in ["hybrid", "text", "semantic"] {
        let arguments = ["search", "chicory coffee keeper", "--mode", mode];
        let text = stdout(world.run(&arguments));
        let hits = world.json(&arguments)["hits"].as_array().unwrap().clone();
        let shown: Vec<_> = line.captures_iter(&text).collect();
        assert_eq!(shown.len(), hits.len(), "{text}");
        for (at, (shown, hit)) in shown.iter().zip(&hits).enumerate() {
            assert_eq!(&shown[1], (at + 1).to_string());
            assert_eq!(&shown[2], format!("{:.2}", hit["score"].as_f64().unwrap()), "{mode}: {text}");
            assert_eq!(&shown[3], hit["entry"]["title"].as_str().unwrap());
        }
        assert!(hits.is_sorted_by_key(|hit| -hit["score"].as_f64().unwrap()), "{mode}");
    }
}

#[test]
fn the_passage_that_was_found_is_shown_and_not_the_beginning() {
    let world = world_with_notes();
    let text = stdout(world.run(&["search", "chicory", "--limit=1"]));
    assert!(text.contains("lighthouse keeper drinks chicory coffee"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");

    let hit = &world.json(&["search", "chicory", "--limit=1"])["hits"][0];
    let passage = hit["text"].as_str().unwrap();
    assert!(passage.contains("chicory") && passage.len() < hit["entry"]["content"].as_str().unwrap().len());
    assert_eq!((&hit["entry"]["tags"][0], &hit["entry"]["project"]), (&"sea".into(), &"coast".into()));
}

#[test]
fn notes_are_listed_page_by_page() {
    let world = World::new();
    for number in 1..=7 {
        world.add(&[&format!("Note {number}"), if number % 2 == 0 { "--tag=even" } else { "--tag=odd" }]);
    }
    let (mut titles, mut after) = (Vec::new(), None::<String>);
    loop {
        let mut arguments = vec!["list", "--limit=3", "--by=created"];
        arguments.extend(after.iter().flat_map(|place| ["--after", place]));
        let page = world.json(&arguments);
        assert_eq!(count(&page, "count"), 7);
        let entries = page["entries"].as_array().unwrap().clone();
        titles.extend(entries.iter().map(|entry| entry["title"].as_str().unwrap().to_owned()));
        after = page["next"].as_str().map(str::to_owned);
        if after.is_none() {
            break;
        }
    }
    assert_eq!(titles, (1..=7).rev().map(|number| format!("Note {number}")).collect::<Vec<_>>());

    let text = stdout(world.run(&["list", "--limit=2", "--tag=odd"]));
    assert!(text.contains("Note 7") && text.contains("Note 5") && !text.contains("Note 3"), "{text}");
    assert!(text.contains("2 of 4 notes; go on with --after"), "{text}");
    assert_eq!(world.error(&["list", "--after=yesterday"]).0, "invalid_input");
    assert_eq!(world.error(&["list", "--limit=0"]).0, "invalid_input");
}

#[test]
fn the_help_of_a_command_begins_with_its_own_options() {
    let world = World::new();
    for (command, own) in
        [("search", "--limit"), ("add", "--content"), ("index", "--project"), ("list", "--after")]
    {
        let help = stdout(world.run(&[command, "--help"]));
        let place =
            |option: &str| help.find(&format!("{option} <")).unwrap_or_else(|| panic!("{option}: {help}"));
        assert!(place(own) < place("--db") && place(own) < place("--config"), "{help}");
    }
}

/// Runs the program in a terminal of this width; presses Ctrl-C when `stop_at` has been written. Gives the exit code
/// and what was written, without colors and movements of the cursor.
fn in_terminal(world: &World, columns: usize, stop_at: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/terminal.py");
    let mut command = world.program("python3");
    command.arg(script).arg(columns.to_string()).arg(stop_at).arg(program()).args(arguments);
    let output = command.env("TERM", "xterm-256color").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), Regex::new(r"\x1b\[[0-9;?]*[A-Za-z]").unwrap().replace_all(&text, "").into_owned())
}

#[cfg(target_os = "linux")]
#[test]
fn bars_fit_the_terminal_and_ctrl_c_says_what_is_kept() {
    let rate = Regex::new(r" \d+/50000000 \d+/s ").unwrap();
    let summary = Regex::new(r"stopped: (\d+) of 50000000 notes are kept").unwrap();
    for columns in [40, 80, 200] {
        let world = World::new();
        // More than can be done before the key is pressed.
        let (code, text) = in_terminal(&world, columns, "/s ", &["generate", "--count=50000000"]);
        assert_eq!(code, Some(130), "{text}");
        let bars: Vec<&str> = text.split(['\r', '\n']).filter(|line| line.contains("/50000000")).collect();
        assert!(!bars.is_empty(), "{text}");
        for bar in bars {
            assert!(bar.trim_end().chars().count() <= columns, "{columns}: {bar:?}");
            assert!(rate.is_match(bar), "{bar:?}");
        }
        let kept: u64 = summary.captures(&text).unwrap_or_else(|| panic!("{text}"))[1].parse().unwrap();
        assert_eq!(count(&world.json(&["stats"])["store"], "entries"), kept);
    }
}
