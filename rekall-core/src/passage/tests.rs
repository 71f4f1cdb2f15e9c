use proptest::prelude::*;

use super::*;
use crate::{Context, NewEntry};
use length::weighed;

fn cut(entry: &NewEntry, longest: usize) -> Vec<String> {
    let passages = EntryPassages::of_length(entry.into(), longest);
    passages.iter().map(|passage| passage.text.to_owned()).collect()
}

/// What is said but white space.
fn said(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn a_short_entry_is_one_passage_with_its_whole_text() {
    let context = Context { solution: Some("Send it.".into()), ..Context::default() };
    let entry = NewEntry::new(" CORS ").content("# Safari\n\nfails\n").tags(["http", "web"]).context(context);
    let text = EntryText::from(&entry);
    let passages = EntryPassages::of(text);
    let found: Vec<_> = passages.iter().map(|passage| (passage.role, passage.number)).collect();
    assert_eq!(found, [(Role::Summary, 0), (Role::Context, 0)]);
    for passage in passages.iter() {
        let whole = text.role(passage.role).unwrap();
        assert_eq!((passage.text, passage.embedded_text().as_ref()), (whole.trim(), whole.trim()));
        assert_eq!(passage.headings().count(), 0);
    }
    let fields: Vec<_> = passages.iter().flat_map(|passage| passage.fields().collect::<Vec<_>>()).collect();
    assert_eq!(
        fields,
        [
            (PassageField::Title, "CORS "),
            (PassageField::Content, "\n# Safari\n\nfails\n"),
            (PassageField::Tag, "http"),
            (PassageField::Tag, "web"),
            (PassageField::Above, " CORS "),
            (PassageField::Context, "Send it."),
        ]
    );
}

#[test]
fn later_passages_carry_title_and_headings_and_the_first_one_the_tags() {
    let content = "# Install\nFirst get the package.\n## Linux\nThen run the installer.\n# Use\nCall it.";
    let entry = NewEntry::new("Guide").content(content).tags(["a", "b"]);
    let passages = EntryPassages::of_length((&entry).into(), 40);
    let embedded: Vec<_> = passages.iter().map(|passage| passage.embedded_text().into_owned()).collect();
    assert_eq!(
        embedded,
        [
            "Guide\n# Install\nFirst get the package.\na b",
            "Guide > Install\n## Linux\nThen run the installer.",
            "Guide\n# Use\nCall it.",
        ]
    );
    let fields: Vec<Vec<_>> = passages.iter().map(|passage| passage.fields().collect()).collect();
    assert_eq!(
        fields[0],
        [
            (PassageField::Title, "Guide"),
            (PassageField::Content, "\n# Install\nFirst get the package."),
            (PassageField::Tag, "a"),
            (PassageField::Tag, "b"),
        ]
    );
    assert_eq!(
        fields[1],
        [
            (PassageField::Above, "Guide"),
            (PassageField::Above, "Install"),
            (PassageField::Content, "## Linux\nThen run the installer."),
        ]
    );
}

#[test]
fn what_stands_above_is_one_line_and_not_said_twice() {
    let long = "word ".repeat(60);
    let entry = NewEntry::new("Guide\nof  all").content(format!("{long}\n# Guide\nof  all\n{long}\n{long}"));
    let passages = EntryPassages::of_length((&entry).into(), 320);
    let first_lines: Vec<_> = passages
        .iter()
        .map(|passage| passage.embedded_text().lines().next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(first_lines[1..], ["Guide of all", "Guide of all > Guide"]);
    let entry = NewEntry::new("é".repeat(300)).content(long.clone() + &long);
    let passages = EntryPassages::of_length((&entry).into(), 320);
    let later = passages.iter().last().unwrap().embedded_text().into_owned();
    assert_eq!(later.lines().next(), Some("é".repeat(REPEATED_CHARACTERS).as_str()));
}

#[test]
fn the_best_border_is_taken() {
    let first = |content: &str| cut(&NewEntry::new("t").content(content), 64).swap_remove(0);
    let filler = "aaaa aaaa aaaa aaaa aaaa.";
    assert_eq!(first(&format!("{filler} {filler}\n# b\n{filler}")), format!("t\n{filler} {filler}"));
    assert_eq!(first(&format!("{filler}\n\n{filler} {filler}")), format!("t\n{filler}"));
    assert_eq!(first(&format!("{filler}\n{filler} {filler}")), format!("t\n{filler}"));
    assert!(first(&format!("{filler} {filler} {filler}")).ends_with('.'));
    // A line that announces another stays with it.
    assert_eq!(first(&format!("{filler}\naaaa aaaa aaaa aaaa aaaa:\n{filler}")), format!("t\n{filler}"));
    // Words and characters are cut only where nothing else is left.
    assert!(first(&"word ".repeat(40)).ends_with("word"));
    assert_eq!(
        cut(&NewEntry::new("t").content("é".repeat(100)), 64).concat(),
        format!("t\n{}", "é".repeat(100))
    );
}

#[test]
fn code_is_cut_only_where_it_is_too_long() {
    let code = format!("```sh\n{}```", "# a comment\nrun it\n\n".repeat(3));
    let text = "Some words before it. ".repeat(3);
    let passages = cut(&NewEntry::new("t").content(format!("{text}\n{code}\n{text}")), 90);
    assert!(passages.iter().any(|passage| passage.contains(&code)), "{passages:?}");
    let long = format!("```\n{}```", "echo one line of it\n".repeat(20));
    let passages = cut(&NewEntry::new("t").content(&long), 90);
    assert!(passages.len() > 4 && passages.iter().all(|passage| weighed(passage) <= 90), "{passages:?}");
    assert!(passages[1..passages.len() - 1].iter().all(|passage| passage.starts_with("echo one")));
}

#[test]
fn a_script_without_spaces_is_cut_at_its_sentences_and_weighs_more() {
    let sentence = "数据库备份每晚失败。";
    let passages = cut(&NewEntry::new("数据").content(sentence.repeat(12)), 120);
    assert!(
        passages.iter().all(|passage| passage.ends_with('。') && weighed(passage) <= 120),
        "{passages:?}"
    );
    assert!(passages.len() >= 3);
}

/// The headings above a position, found in another way: looking back from it, each that is higher than the
/// ones found so far.
fn headings_before(content: &str, at: usize) -> Vec<String> {
    let mut found = Vec::new();
    let begins_line = at == 0 || content[..at].ends_with('\n');
    let mut lowest = content[at..].lines().next().filter(|_| begins_line).and_then(level).unwrap_or(7);
    for line in content[..at].lines().rev() {
        if let Some(level) = level(line).filter(|level| *level < lowest) {
            found.push(line.trim_start_matches('#').trim().to_owned());
            lowest = level;
        }
    }
    found.reverse();
    found
}

fn level(line: &str) -> Option<usize> {
    let hashes = line.bytes().take_while(|&byte| byte == b'#').count();
    (hashes > 0 && line[hashes..].starts_with(' ') && line.contains(char::is_alphanumeric)).then_some(hashes)
}

proptest! {
    #[test]
    fn nothing_but_white_space_is_left_out(
        title in "[a-zé ]{0,12}",
        content in "([a-zé数ไ.!:;、。`~=#\\- \n]|\n\n|\n# |\n```\n|\n===\n){0,300}",
        tags in proptest::collection::vec("[a-z]{1,5}", 0..3),
        longest in 1_usize..90,
    ) {
        let entry = NewEntry::new(&title).content(&content).tags(&tags);
        let text = EntryText::from(&entry);
        let whole = text.role(Role::Summary).unwrap();
        let passages = EntryPassages::of_length(text, longest);
        let joined: String = passages.iter().map(|passage| passage.text).collect();
        let untagged = if passages.len() == 1 { whole.as_str() } else { &whole[..text.untagged_len()] };
        prop_assert_eq!(said(&joined), said(untagged));
        // All that is said is among the words, and in one vector at least.
        let mut words: Vec<String> = Vec::new();
        let mut embedded = String::new();
        let mut last = 0;
        for (number, passage) in passages.iter().enumerate() {
            prop_assert_eq!(usize::from(passage.number), number);
            prop_assert!(passage.bytes().start >= last && !passage.text.is_empty());
            prop_assert_eq!(passage.text, passage.text.trim());
            last = passage.bytes().end;
            prop_assert_eq!(&whole[passage.bytes()], passage.text);
            let by_chars: String = whole.chars().skip(passage.chars().start).take(passage.chars().len()).collect();
            prop_assert_eq!(&by_chars, passage.text);
            prop_assert!(passage.embedded_text().contains(passage.text));
            embedded.push_str(&passage.embedded_text());
            let own = passage.fields().filter(|(field, _)| *field != PassageField::Above);
            words.extend(own.map(|(_, text)| said(text)));
        }
        let mut expected = said(&whole).into_bytes();
        let mut words = words.concat().into_bytes();
        expected.sort_unstable();
        words.sort_unstable();
        prop_assert_eq!(words, expected);
        prop_assert!(tags.iter().all(|tag| embedded.contains(tag.as_str())));
    }

    #[test]
    fn no_passage_is_too_long_and_no_two_neighbors_fit_into_one(
        content in "([a-z]{1,9}[ .\n]|\n\n|数据){0,300}",
        longest in 64_usize..400,
    ) {
        let passages = cut(&NewEntry::new("title").content(content), longest);
        for passage in &passages {
            prop_assert!(weighed(passage) <= longest);
        }
        for pair in passages.windows(2) {
            // White space at the end weighs one more.
            prop_assert!(weighed(&pair.join("\n\n")) + 1 > longest, "{:?}", pair);
        }
    }

    #[test]
    fn the_heading_path_is_the_one_above(
        content in "(# [a-c]\n|## [d-f]\n|### [g-i]\n|[a-z]{3,9}[ .\n]|\n\n){0,200}",
        longest in 20_usize..120,
    ) {
        let entry = NewEntry::new("title").content(&content);
        for passage in EntryPassages::of_length((&entry).into(), longest).iter().skip(1) {
            let headings: Vec<String> = passage.headings().map(str::to_owned).collect();
            let at = passage.bytes().start - "title\n".len();
            prop_assert_eq!(headings, headings_before(&content, at));
        }
    }
}
