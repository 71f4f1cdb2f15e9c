//! Org (<https://orgmode.org/worg/org-syntax.html>): headlines begin with stars at the start of a line, also inside
//! blocks, where Org asks for a comma before them.

use super::front_matter::{milliseconds, names_in};
use super::lines::lines;
use super::markdown::one_line;
use super::outline::{About, Heading, Outline};

/// Keywords of the state of a task that Org knows without configuration.
const STATES: [&str; 2] = ["TODO", "DONE"];

pub(super) fn outline(text: &str) -> Outline<'_> {
    let mut outline = Outline::of(text);
    for (start, line) in lines(text) {
        if let Some(heading) = headline(start, line) {
            outline.headings.push(heading);
        } else if outline.headings.is_empty() {
            keyword(line, &mut outline.about);
        }
    }
    outline
}

/// `** TODO [#A] Title :tag:other:`.
fn headline(start: usize, line: &str) -> Option<Heading> {
    let stars = line.len() - line.trim_start_matches('*').len();
    let rest = line[stars..].strip_prefix([' ', '\t'])?.trim();
    let level = u8::try_from(stars).ok().filter(|level| *level > 0)?;
    let after_state = STATES.iter().find_map(|state| rest.strip_prefix(state)).unwrap_or(rest);
    let rest = if after_state.is_empty() || after_state.starts_with(' ') { after_state.trim() } else { rest };
    let rest = priority(rest).unwrap_or(rest);
    let (rest, tags) = tags(rest);
    Some(Heading { level, title: one_line(&plain(rest)), tags, start, end: start + line.len() })
}

/// What follows a priority, such as `[#A]`.
fn priority(rest: &str) -> Option<&str> {
    let (cookie, rest) = rest.strip_prefix("[#")?.split_once(']')?;
    (cookie.len() <= 2).then(|| rest.trim())
}

/// A headline's tags are its last word: `:tag:other:`.
fn tags(rest: &str) -> (&str, Vec<String>) {
    let (title, last) = rest.rsplit_once([' ', '\t']).unwrap_or(("", rest));
    let inner = last.strip_prefix(':').and_then(|last| last.strip_suffix(':')).unwrap_or_default();
    let is_tag =
        |tag: &str| !tag.is_empty() && tag.chars().all(|c| c.is_alphanumeric() || "_@#%".contains(c));
    if inner.split(':').all(is_tag) {
        (title.trim_end(), inner.split(':').map(str::to_owned).collect())
    } else {
        (rest, Vec::new())
    }
}

/// Text without the marks of links: `[[target][description]]` is its description.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("[[") {
        let Some((inner, after)) = link.split_once("]]") else { break };
        plain.push_str(before);
        plain.push_str(inner.split_once("][").map_or(inner, |(_, description)| description));
        rest = after;
    }
    plain + rest
}

/// `#+TITLE: ...` and the like, which stand before the first headline.
fn keyword(line: &str, about: &mut About) {
    let Some((key, value)) = line.strip_prefix("#+").and_then(|line| line.split_once(':')) else { return };
    let value = value.trim();
    match key.to_ascii_lowercase().as_str() {
        _ if value.is_empty() => {}
        "title" => {
            // A long title goes on in further lines.
            let title = about.title.take().map_or_else(String::new, |title| title + " ");
            about.title = Some(title + &one_line(&plain(value)));
        }
        "filetags" => about.tags.extend(value.split([':', ' ']).map(str::to_owned)),
        "keywords" => about.tags.extend(names_in(value)),
        "date" => {
            // A timestamp, `[2024-05-01 Wed 10:00]` or `<...>`, or the date alone.
            let date = value.trim_matches(['[', ']', '<', '>']);
            let words = date.split_whitespace().filter(|word| word.starts_with(|c: char| c.is_ascii_digit()));
            about.date_ms = milliseconds(&words.collect::<Vec<_>>().join(" ")).or(about.date_ms);
        }
        _ => {}
    }
    about.tags.retain(|tag| !tag.is_empty());
}

#[cfg(test)]
mod tests {
    use crate::{FileKind, parse};

    #[test]
    fn headlines_with_all_their_parts() {
        let text = "#+TITLE: My notes\n#+FILETAGS: :work:home:\n#+DATE: <2024-05-01 Wed 10:00>\nIntro.\n\
                    * TODO [#A] Call [[https://example.org][the office]]  :phone:urgent:\nText *bold*.\n\
                    ** DONE\n*no headline*\n*** Deep\nx\n* TODOS: a list\n";
        let document = parse(FileKind::Org, "notes.org", text).unwrap();
        assert_eq!((document.title.as_str(), document.date_ms), ("My notes", Some(1_714_557_600_000)));
        assert_eq!(document.tags, ["work", "home"]);
        let sections: Vec<_> = document
            .sections
            .iter()
            .map(|section| (section.title.as_str(), section.line, section.tags.join(",")))
            .collect();
        assert_eq!(
            sections,
            [
                ("My notes", 1, String::new()),
                ("My notes > Call the office", 5, "phone,urgent".to_owned()),
                ("My notes > Call the office", 7, String::new()),
                ("My notes > Call the office > Deep", 9, String::new()),
                ("My notes > TODOS: a list", 11, String::new()),
            ]
        );
        assert_eq!(document.sections[2].text, "*no headline*");
    }

    #[test]
    fn what_is_no_tag_stays_in_the_title() {
        for (line, title) in [("* Time 10:30:", "Time 10:30:"), ("* ::", "::"), ("* a :b c:", "a :b c:")] {
            let document = parse(FileKind::Org, "n.org", &format!("{line}\nx")).unwrap();
            assert_eq!((document.sections[0].title.as_str(), document.sections[0].tags.len()), (title, 0));
        }
    }
}
