//! Cutting text files into sections: each has its heading and the text below it.

use super::markdown;

/// The sections of a Markdown text with their own headings; `None` before the first one.
pub(super) fn markdown(text: &str) -> Vec<(Option<String>, String)> {
    let sections = markdown::sections(text).into_iter();
    sections.map(|mut section| (section.headings.pop(), section.text)).collect()
}

/// The sections of a reStructuredText: a heading is a line that is underlined, from end to end, with one
/// punctuation mark, and possibly overlined with the same.
pub(super) fn restructured(text: &str) -> Vec<(Option<String>, String)> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut sections = vec![(None, String::new())];
    let mut at = 0;
    while let Some(&line) = lines.get(at) {
        let next = lines.get(at + 1).copied().unwrap_or_default();
        let rule_below = |below: usize| lines.get(at + below).is_some_and(|rule| is_rule(rule));
        if is_rule(line) && !next.is_empty() && rule_below(2) {
            sections.push((Some(next.trim().to_owned()), String::new()));
            at += 3;
        } else if !line.is_empty() && !line.starts_with(' ') && rule_below(1) && is_as_long(next, line) {
            sections.push((Some(line.to_owned()), String::new()));
            at += 2;
        } else {
            if let Some((_, text)) = sections.last_mut() {
                text.push_str(line);
                text.push('\n');
            }
            at += 1;
        }
    }
    sections
}

fn is_rule(line: &str) -> bool {
    let mut marks = line.chars();
    let Some(first) = marks.next() else { return false };
    first.is_ascii_punctuation() && line.len() > 2 && marks.all(|mark| mark == first)
}

fn is_as_long(rule: &str, heading: &str) -> bool {
    rule.len() >= heading.chars().count()
}
