//! What the command line program shows to people, and what of it programs get.

#![cfg(all(feature = "bundled-model", feature = "files"))]

use std::path::Path;
use std::process::Output;

use regex::Regex;

use crate::program::{World, count, program};

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
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/terminal.py");
    let mut command = world.program("python3");
    command.arg(script).arg(columns.to_string()).arg(stop_at).arg(program()).args(arguments);
    let output = command.env("TERM", "xterm-256color").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), Regex::new(r"\x1b\[[0-9;?]*[A-Za-z]").unwrap().replace_all(&text, "").into_owned())
}

/// Columns that a terminal takes for a line: two for a character of Chinese.
fn width(line: &str) -> usize {
    line.chars().map(|character| if character >= '\u{2e80}' { 2 } else { 1 }).sum()
}

/// Three files with one heading each, and a note that somebody added, with long names.
fn world_of_usages() -> World {
    let world = World::new();
    for name in ["one", "two", "three"] {
        let file = format!("docs/{}/{name}.md", "a-folder-with-a-rather-long-name/".repeat(3));
        world.write(&file, &format!("Intro.\n\n## Usage\nTurn the crank {name} times.\n"));
    }
    world.json(&["index", "docs"]);
    let title = "起重机的曲柄怎么转？".repeat(8);
    world.add(&[&title, "--content", &"Turn the crank slowly. ".repeat(20), "--tag", &"tag".repeat(30)]);
    world
}

#[cfg(target_os = "linux")]
#[test]
fn hits_and_lists_fit_the_terminal_and_name_their_files() {
    let world = world_of_usages();
    for columns in [40, 80, 200] {
        for arguments in [&["search", "turn the crank"][..], &["list"], &["similar", "ID"]] {
            let id = world.json(&["search", "turn the crank three times"])["hits"][0]["entry"]["id"].clone();
            let arguments: Vec<&str> = arguments
                .iter()
                .map(|argument| if *argument == "ID" { id.as_str().unwrap() } else { argument })
                .collect();
            let (code, text) = in_terminal(&world, columns, "", &arguments);
            assert_eq!(code, Some(0), "{text}");
            let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
            for line in &lines {
                assert!(width(line) <= columns, "{columns}: {line:?} in {text}");
            }
            // In one of 200 columns they stand whole, in a narrow one their ends.
            let places: Vec<&&str> = lines.iter().filter(|line| line.ends_with(".md:3")).collect();
            for name in ["one", "two", "three"] {
                let expected = if arguments[0] == "similar" && name == "three" { 0 } else { 1 };
                let named = places.iter().filter(|line| line.ends_with(&format!("/{name}.md:3"))).count();
                assert_eq!(named, expected, "{columns}: {arguments:?}: {text}");
            }
            let whole = places.iter().all(|line| line.trim_start().starts_with("docs/a-folder"));
            assert_eq!(whole, columns == 200, "{text}");
        }
    }
}

#[test]
fn sections_of_one_name_are_told_apart_by_their_places() {
    let world = world_of_usages();
    let found = world.json(&["search", "crank", "--limit=10"]);
    // The text above the only heading has its title, too.
    let hits = found["hits"].as_array().unwrap().iter();
    let usages: Vec<_> = hits.filter(|hit| hit["entry"]["source"]["path"][0] == "Usage").collect();
    assert_eq!(usages.len(), 3, "{found}");
    assert!(usages.iter().all(|hit| hit["entry"]["title"] == "Usage"));
    let mut places = Vec::new();
    for hit in &usages {
        let shown = stdout(world.run(&["show", hit["entry"]["id"].as_str().unwrap()]));
        let source =
            shown.lines().find(|line| line.starts_with("source ")).unwrap_or_else(|| panic!("{shown}"));
        let place = source.split_whitespace().nth(1).unwrap();
        let times = hit["entry"]["content"].as_str().unwrap().split(' ').nth(3).unwrap();
        assert!(place.starts_with("docs/") && place.ends_with(&format!("/{times}.md:3")), "{shown}");
        places.push(place.to_owned());
    }
    places.sort();
    places.dedup();
    assert_eq!(places.len(), 3);
    // From elsewhere by their whole paths.
    std::fs::create_dir(world.path("elsewhere")).unwrap();
    let id = usages[0]["entry"]["id"].as_str().unwrap();
    let output = world.command(&["show", id]).current_dir(world.path("elsewhere")).output().unwrap();
    let path = world.path("docs").canonicalize().unwrap();
    assert!(stdout(output).contains(&format!("source       {}/", path.display())));
}

#[test]
fn a_path_is_shown_without_what_a_terminal_would_obey() {
    let world = World::new();
    if cfg!(unix) {
        world.write("docs/a\u{1b}[31m\nb.md", "# Red\nAlert.\n");
        world.write("docs/c\u{1b}[31m.bin", "x");
        let indexed = world.run(&["index", "docs"]);
        let id = world.json(&["list"])["entries"][0]["id"].as_str().unwrap().to_owned();
        for output in [indexed, world.run(&["list"]), world.run(&["show", &id])] {
            let written = [output.stdout, output.stderr].concat();
            assert!(!written.contains(&0x1b), "{}", String::from_utf8_lossy(&written));
        }
    }
}

#[test]
fn files_with_notes_that_were_not_read_are_named_first_and_all() {
    let world = World::new();
    for number in 0..12 {
        world.write(&format!("docs/z{number:02}.md"), "# Kept\nA note.\n");
        world.write(&format!("docs/large{number:02}.txt"), &"x".repeat((1 << 20) + 1));
    }
    for name in ["a.png", "b.png", "c.PNG", "d.pdf", "Makefile.e", "f.zip", "g.gz", "h.xz"] {
        world.write(&format!("docs/{name}"), "x");
    }
    world.json(&["index", "docs"]);
    for number in 0..12 {
        std::fs::write(world.path(&format!("docs/z{number:02}.md")), b"# Kept\0\x01\nA note.\n").unwrap();
    }
    let output = world.run(&["index", "docs"]);
    let notes: Vec<String> = String::from_utf8(output.stderr).unwrap().lines().map(str::to_owned).collect();
    for (number, note) in notes.iter().take(12).enumerate() {
        assert!(note.contains(&format!("z{number:02}.md: binary; its notes stay as they are")), "{notes:#?}");
    }
    assert_eq!(notes.iter().filter(|note| note.contains("/large")).count(), 10, "{notes:#?}");
    assert!(notes[22].contains("skipped 2 other files; --json names all"), "{notes:#?}");
    let kinds = "skipped 8 files of kinds that are not read (3 .png, 1 .e, 1 .gz, 1 .pdf, 1 .xz, 1 others); --json names all";
    assert!(notes[23].ends_with(kinds) && notes.len() == 24, "{notes:#?}");

    let skipped = world.json(&["index", "docs"])["skipped"].as_array().unwrap().clone();
    let with_notes = skipped.iter().filter(|one| one["has_notes"] == true).count();
    assert_eq!((skipped.len(), with_notes), (32, 12));
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
