use proptest::prelude::*;

use super::*;
use crate::{Context, NewEntry};

fn marked(query: &str, words: usize, text: &str) -> Option<String> {
    let snippets = Snippets::new(&TextQuery::new(query), words);
    snippets.snippet(text, None).unwrap().map(|snippet| snippet.marked(text, "[", "]"))
}

#[test]
fn words_are_marked_in_any_form_and_script() {
    for (query, text, expected) in [
        ("memory", "out of memories late", "out of [memories] late"),
        ("install\u{e9}e", "Il faut tout installer", "Il faut tout [installer]"),
        ("coeur", "Le c\u{153}ur du probl\u{e8}me", "Le [c\u{153}ur] du probl\u{e8}me"),
        ("depot", "de\u{301}po\u{302}t vide", "[de\u{301}po\u{302}t] vide"),
        ("ete", "de l\u{2019}\u{e9}te\u{301}!", "de l\u{2019}[\u{e9}te\u{301}]!"),
        ("高血压", "我有高血压病。", "我有[高血压]病。"),
        ("血", "我有高血压", "我有高[血压]"),
        ("\u{e17}\u{e22}", "\u{e44}\u{e17}\u{e22}", "\u{e44}[\u{e17}\u{e22}]"),
        (
            "\u{939}\u{93f}\u{928}\u{94d}\u{926}\u{940}",
            "\u{939}\u{93f}\u{928}\u{94d}\u{926}\u{940} \u{939}",
            "[\u{939}\u{93f}\u{928}\u{94d}\u{926}\u{940}] \u{939}",
        ),
        ("c++", "in C++, not C#", "in [C++], not [C]#"),
        (".net", "use .NET now", "use [.NET] now"),
        ("be_between", "has be_between, not be", "has [be_between], not [be]"),
        ("email", "an e-mail", "an [e-mail]"),
        ("7.1.3", "in 7.1.3 and 7", "in [7.1.3] and [7]"),
        ("\"disk full\"", "the disk full of disks", "the [disk full] of [disks]"),
    ] {
        assert_eq!(marked(query, 64, text).as_deref(), Some(expected), "{query}");
    }
    assert_eq!(marked("safari", 8, "nothing of it"), None);
    assert_eq!(marked("", 8, "nothing of it"), None);
}

#[test]
fn the_densest_place_is_shown_and_phrases_count() {
    let filler = |count: usize| "filler word ".repeat(count);
    let text = format!("alpha {}alpha beta, gamma! {}beta {}", filler(50), filler(50), filler(50));
    assert_eq!(marked("alpha beta gamma", 6, &text).unwrap(), "…word [alpha] [beta], [gamma]! filler word…");
    assert_eq!(marked("alpha beta gamma", 2, "alpha beta gamma").unwrap(), "[alpha] [beta]…");
    assert_eq!(marked("alpha beta gamma", 3, "(alpha beta gamma).").unwrap(), "([alpha] [beta] [gamma]).");
    let text = format!("7 and 1 and 3 and 1 {}as 7.1.3 {}", filler(50), filler(50));
    assert_eq!(marked("7.1.3", 6, &text).unwrap(), "…as [7.1.3] filler word…");
    let text = format!("{}--force {}", filler(50), filler(50));
    assert_eq!(marked("--force", 1, &text).unwrap(), "…[--force]…");
    let text = format!("{}高血压{}", "的".repeat(99), "的".repeat(99));
    assert_eq!(marked("高血压", 4, &text).unwrap(), "…的的的[高血压]的的的…");
}

#[test]
fn words_that_say_little_are_marked_where_nothing_else_is_found() {
    let query = "what is the state of the disk";
    assert_eq!(marked(query, 8, "the disk is the full").unwrap(), "the [disk] is the full");
    assert_eq!(marked(query, 8, "the end").unwrap(), "[the] end");
}

#[test]
fn a_passage_has_the_parts_of_its_text_and_nothing_around_them() {
    let said =
        Context { situation: Some(" ".into()), solution: Some("vid\u{e9} ok".into()), ..Context::default() };
    let said = Context { trigger_keywords: vec!["boot".into()], ..said };
    let entry = NewEntry::new("t ok").content("first ok. second ok").tags(["a", "ok"]).context(said);
    let text = EntryText::from(&entry);
    assert_eq!(text.role(Role::Summary).unwrap(), "t ok\nfirst ok. second ok\na ok");
    let snippets = Snippets::new(&TextQuery::new("ok"), 8);
    let of = |role, bytes| snippets.of_passage(text, role, bytes, ("[", "]"), None).unwrap();
    for (bytes, expected) in [
        (0..4, Some("t [ok]")),
        (0..5, Some("t [ok]")),
        (5..14, Some("first [ok].\u{2026}")),
        (15..24, Some("\u{2026}second [ok]")),
        (24..29, Some("a [ok]")),
        (5..10, None),
        (29..29, None),
        (90..99, None),
    ] {
        assert_eq!(of(Role::Summary, bytes.clone()).as_deref(), expected, "{bytes:?}");
    }
    assert_eq!(of(Role::Context, 0..12).as_deref(), Some("vid\u{e9} [ok]"));
    // In the middle of a character, as with an entry read later.
    assert_eq!(of(Role::Context, 4..8), None);
    let untold = NewEntry::new("t").content(" ").tags(["ok"]);
    let found = snippets.of_passage((&untold).into(), Role::Summary, 2..4, ("[", "]"), None);
    assert_eq!(found.unwrap().as_deref(), Some("[ok]"));
}

#[test]
fn a_flag_stops_it() {
    let flag = AtomicBool::new(true);
    let snippets = Snippets::new(&TextQuery::new("a"), 3);
    assert!(matches!(snippets.snippet("a b c", Some(&flag)), Err(Error::Interrupted)));
}

proptest! {
    #[test]
    fn pieces_and_marks_lie_within_the_text(
        query in "[a-d \"._\u{e9}\u{8840}\u{9ad8}\u{e17}]{1,12}",
        text in "([a-dA-D \"._\u{301}\u{e9}\u{ad}\u{8840}\u{9ad8}\u{e17}\u{e48}#+-]|\\PC){0,60}",
        words in 1..8_usize,
    ) {
        let sought = TextQuery::new(&query);
        let snippets = Snippets::new(&sought, words);
        if let Some(snippet) = snippets.snippet(&text, None).unwrap() {
            prop_assert!(text.get(snippet.range.clone()).is_some());
            prop_assert!(!snippet.found.is_empty());
            let mut last = snippet.range.start;
            for found in &snippet.found {
                prop_assert!(found.start >= last && found.end > found.start, "{:?}", snippet);
                prop_assert!(text.get(found.clone()).is_some(), "{:?}", snippet);
                last = found.end;
            }
            prop_assert!(last <= snippet.range.end);
            prop_assert!(snippet.words <= sought.words().len());
            let plain = snippet.marked(&text, "", "").replace('…', "");
            prop_assert_eq!(plain, text[snippet.range.clone()].replace('…', ""));
        }
    }
}
