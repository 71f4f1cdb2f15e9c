//! What was written joined or is quoted is found as it was written: its parts elsewhere do not come before it.

#![cfg(feature = "bundled-model")]

use crate::common::{assert_first, memory_of, titles};
use rekall::{Mode, NewEntry};

/// A string, the note in which it stands, and notes that hold its parts, more often and in fewer words.
struct Case {
    string: &'static str,
    written: &'static str,
    parts: [&'static str; 3],
}

const CASES: [Case; 18] = [
    Case {
        string: "7.1.3",
        written: "We went from the proxy's old release to 7.1.3 in March, because descriptors leaked.",
        parts: ["Release 7.3.1: 7 fixes, 1 change, 3 removals", "3.1.7, 1.7.3, 7.3.1", "17.1.3 and 7.1.30"],
    },
    Case {
        string: "2024-12-03",
        written: "The certificate of the mail relay was renewed on 2024-12-03 and lasts a year.",
        parts: [
            "2024: 03, 12, 2024, 12, 03",
            "From 2024-03-12 to 2024-12-30",
            "12 tickets and 03 incidents in 2024",
        ],
    },
    Case {
        string: "be_between",
        written: "A validator such as be_between takes both limits, and the upper one is included.",
        parts: [
            "To be or not to be between",
            "Between us: be quick, be brief",
            "Let it be. Between the lines.",
        ],
    },
    Case {
        string: "--no-verify",
        written: "A hook that hangs is skipped with git commit --no-verify until somebody mends it.",
        parts: [
            "No, verify it. No, no: verify.",
            "Verify nothing, verify no one",
            "Verify that no key is stale",
        ],
    },
    Case {
        string: "src/main.rs",
        written: "The panic came from src/main.rs, where the arguments are read before the logger is there.",
        parts: [
            "main, src, rs, main, src",
            "main.rs stands in src, and lib.rs too",
            "The main points of rs in src",
        ],
    },
    Case {
        string: "E0382",
        written: "The borrow checker answers E0382 when a value is used after it was moved into a closure.",
        parts: ["0382 is an error, E is a letter", "E0499 and E0502 are errors", "E 0382 E 0382"],
    },
    Case {
        string: "10.0.0.1",
        written: "The gateway of the laboratory answers on 10.0.0.1 and on nothing else.",
        parts: ["10 0 0 1", "10.0.1.0 and 1.0.0.10", "10 hosts, 0 errors, 0 warnings, 1 restart"],
    },
    Case {
        string: "C++",
        written: "The parser was rewritten in C++ and lost a third of its lines on the way.",
        parts: ["C is older than its children", "C, C and again C", "Vitamin C"],
    },
    Case {
        string: "C#",
        written: "The desktop client is written in C# and talks to the service through a pipe.",
        parts: ["C is older than its children", "C, C and again C", "Parts in Rust talk to parts in C"],
    },
    Case {
        string: ".NET",
        written: "The installer asks for a newer .NET runtime than the machines of the branch offices have.",
        parts: ["Net income of the branch offices", "A net, a wide net, a fishing net", "The net weight"],
    },
    Case {
        string: "getUserName",
        written: "The crash was in getUserName, which trusted a session that had ended.",
        parts: ["Get the user a name", "The user name, get it", "A name for each user, get one"],
    },
    Case {
        string: "docker-compose",
        written: "A volume that docker-compose made is kept when the services are removed.",
        parts: ["Docker: compose", "Compose a letter to docker, compose", "Docker, docker, and compose"],
    },
    Case {
        string: "os.path.join",
        written: "An absolute second argument makes os.path.join forget the first one.",
        parts: ["Join the path of the OS", "Path, path, join, OS", "The OS: path and join"],
    },
    Case {
        string: "/etc/logrotate.conf",
        written: "Old logs stayed because /etc/logrotate.conf named a folder that had moved.",
        parts: ["etc, logrotate, conf", "conf of logrotate, etc", "The conf, etc. of logrotate"],
    },
    Case {
        string: "\"slow start\"",
        written: "After each failover the pool needs a slow start, or the first node drowns.",
        parts: ["Start slow", "A slow pump and an early start", "Start, stop, start; slow, slow"],
    },
    Case {
        string: "\"fin de partie\"",
        written: "Le script écrit le score en fin de partie seulement, jamais avant.",
        parts: [
            "Partie de fin",
            "La fin d'une partie de plaisir",
            "Une partie, et de partie en partie la fin",
        ],
    },
    Case {
        string: "ERR_CONNECTION_RESET",
        written: "Large uploads ended with ERR_CONNECTION_RESET since the proxy cut them after a minute.",
        parts: [
            "Reset the connection",
            "err, connection, reset, err",
            "Connection reset by connection reset",
        ],
    },
    Case {
        string: "user@example.org",
        written: "The bounce for user@example.org came from a relay that knew no such mailbox.",
        parts: ["A user for example, an org for example", "example org user", "User example, user org"],
    },
];

#[test]
fn a_string_comes_before_notes_of_its_scattered_parts() {
    let mut notes = Vec::new();
    for case in &CASES {
        notes.extend(case.parts.map(|part| (part, "")));
        notes.push((case.written, ""));
    }
    let memory = memory_of(&notes);
    for case in &CASES {
        assert_first(&memory, case.string, case.written);
    }
}

#[test]
fn a_string_inside_a_question_still_decides() {
    let mut notes = Vec::new();
    for case in &CASES {
        notes.extend(case.parts.map(|part| (part, "")));
        notes.push((case.written, ""));
    }
    let memory = memory_of(&notes);
    for (query, string) in [
        ("what did we change with 7.1.3?", "7.1.3"),
        ("where does src/main.rs come up", "src/main.rs"),
        ("à quoi sert --no-verify", "--no-verify"),
        ("who owns 10.0.0.1", "10.0.0.1"),
    ] {
        let case = CASES.iter().find(|case| case.string == string).unwrap();
        assert_first(&memory, query, case.written);
    }
}

#[test]
fn all_notes_that_hold_a_string_come_before_those_that_do_not() {
    let memory = memory_of(&[
        ("Retry, max, retry, max, attempts", ""),
        ("Attempts: retry at most the max", ""),
        ("First", "The setting retry_max_attempts is read once, when the worker starts."),
        ("Second", "With retry_max_attempts at nought a job that fails is gone."),
        ("Max retry attempts", ""),
    ]);
    for mode in [Mode::Text, Mode::Hybrid] {
        let mut found = titles(&memory, "retry_max_attempts", mode);
        found.truncate(2);
        found.sort();
        assert_eq!(found, ["First", "Second"], "{mode:?}");
    }
}

#[test]
fn a_string_deep_in_a_long_note_is_found_and_shown() {
    let filler =
        "The nightly build runs on the second machine, and its reports are kept for a month. ".repeat(120);
    let long = format!("{filler}Only the flag --keep-sources leaves them in place.\n{filler}");
    let memory = memory_of(&[("Keep the sources of what you keep", ""), ("Sources to keep", "")]);
    memory.remember(NewEntry::new("Builds").content(&long)).unwrap();
    assert_first(&memory, "--keep-sources", "Builds");
    let found = memory.recall("--keep-sources").snippets("[", "]").run().unwrap();
    let snippet = found[0].snippet.as_deref().unwrap();
    assert!(snippet.contains("leaves them in place"), "{snippet}");
}

#[test]
fn joined_names_are_found_by_their_parts_too() {
    let memory = memory_of(&[
        ("camel", "The crash was in getUserName."),
        ("snake", "A validator such as clamp_value takes both limits."),
        ("kebab", "The package left-pad was withdrawn."),
        ("path", "See docs/handbook.md first."),
        ("other", "Nothing of the kind stands here."),
    ]);
    for (query, title) in [("user", "camel"), ("clamp", "snake"), ("pad", "kebab"), ("handbook", "path")] {
        assert_eq!(titles(&memory, query, Mode::Text).first().map(String::as_str), Some(title), "{query}");
    }
}

#[test]
fn a_hyphen_inside_a_word_may_be_left_out() {
    let memory = memory_of(&[
        ("one", "The e-mail was bounced."),
        ("two", "An email was lost."),
        ("three", "We re-index at night."),
        ("four", "They reindex by day."),
        ("five", "Nothing of the kind."),
    ]);
    for (query, both) in [
        ("email", ["one", "two"]),
        ("e-mail", ["one", "two"]),
        ("reindex", ["four", "three"]),
        ("re-index", ["four", "three"]),
    ] {
        let mut found = titles(&memory, query, Mode::Text);
        found.truncate(2);
        found.sort();
        assert_eq!(found, both, "{query}");
    }
}
