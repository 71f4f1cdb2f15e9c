//! reStructuredText (<https://docutils.sourceforge.io/docs/ref/rst/restructuredtext.html>): a title is a line that is
//! underlined, and perhaps overlined, with punctuation at least as wide. Which punctuation means which level
//! follows from the order in which it first occurs.

use super::front_matter::{milliseconds, names_in};
use super::lines::lines;
use super::markdown::one_line;
use super::outline::{About, Heading, Outline};

/// The punctuation of a title, and whether it stands above, too.
type Style = (char, bool);

pub(super) fn outline(text: &str) -> Outline<'_> {
    let mut outline = Outline::of(text);
    let lines: Vec<(usize, &str)> = lines(text).collect();
    let mut styles: Vec<Style> = Vec::new();
    let mut number = 0;
    while number < lines.len() {
        let Some((style, title, length)) = title_at(&lines, number) else {
            if outline.headings.len() <= 1 {
                field(lines[number].1, &mut outline.about);
            }
            number += 1;
            continue;
        };
        let level = styles.iter().position(|known| *known == style).unwrap_or_else(|| {
            styles.push(style);
            styles.len() - 1
        });
        let (last, line) = lines[number + length - 1];
        outline.headings.push(Heading {
            level: u8::try_from(level + 1).unwrap_or(u8::MAX),
            title: one_line(&plain(title)),
            tags: Vec::new(),
            start: lines[number].0,
            end: last + line.len(),
        });
        number += length;
    }
    outline
}

/// The title that begins at a line, and how many lines it takes.
fn title_at<'t>(lines: &[(usize, &'t str)], number: usize) -> Option<(Style, &'t str, usize)> {
    let line = |ahead: usize| lines.get(number + ahead).map(|(_, line)| line.trim_end());
    let after_blank = number == 0 || lines[number - 1].1.trim().is_empty();
    let first = line(0)?;
    if let Some(over) = rule(first)
        && let (Some(title), Some(under)) = (line(1), line(2))
        && first == under
        && !title.trim().is_empty()
        && width(title.trim_start()) <= first.len()
    {
        return Some(((over, true), title.trim(), 3));
    }
    let under = line(1)?;
    let is_text = !first.is_empty() && !first.starts_with([' ', '\t']);
    // A short rule is taken for text, unless the title is as short.
    let is_wide = under.len() >= width(first) || under.len() >= 4;
    match rule(under) {
        Some(mark) if is_text && is_wide && after_blank && rule(first).is_none() => {
            Some(((mark, false), first, 2))
        }
        _ => None,
    }
}

/// The character of which a line consists.
fn rule(line: &str) -> Option<char> {
    let mark = line.chars().next().filter(char::is_ascii_punctuation)?;
    line.chars().all(|character| character == mark).then_some(mark)
}

/// How wide a line is: letters of East Asia count as two columns. A title that is wider than it seems needs a
/// longer rule, so counting characters never takes text for a title that is none.
fn width(line: &str) -> usize {
    line.chars().count()
}

/// Text without the marks of code, emphasis, roles and references: `` :ref:`Text <target>` `` is its text.
fn plain(title: &str) -> String {
    let mut plain = String::new();
    let mut rest = title.replace("``", "`").replace("**", "");
    while let Some((before, marked)) = rest.split_once('`') {
        let Some((inner, after)) = marked.split_once('`') else { break };
        plain.push_str(without_role(before));
        plain.push_str(inner.split_once(" <").map_or(inner, |(text, _)| text));
        rest = after.strip_prefix("__").or(after.strip_prefix('_')).unwrap_or(after).to_owned();
    }
    plain + &rest
}

/// What stands before `` ` `` without the role there, such as `:ref:`.
fn without_role(before: &str) -> &str {
    let role = before.strip_suffix(':').and_then(|before| before.rsplit_once(':'));
    match role {
        Some((text, role))
            if !role.is_empty() && role.chars().all(|c| c.is_alphanumeric() || "-_.+".contains(c)) =>
        {
            text
        }
        _ => before,
    }
}

/// `:date: 2024-05-01`, or the same in a comment of two dots, as static site generators write it.
fn field(line: &str, about: &mut About) {
    let line = line.strip_prefix("..").map_or(line, str::trim_start);
    let Some((key, value)) = line.strip_prefix(':').and_then(|line| line.split_once(": ")) else { return };
    let value = value.trim();
    match key.to_ascii_lowercase().as_str() {
        "title" if about.title.is_none() && !value.is_empty() => about.title = Some(one_line(&plain(value))),
        "tags" | "keywords" => about.tags.extend(names_in(value)),
        "date" => about.date_ms = milliseconds(value).or(about.date_ms),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::{FileKind, parse};

    fn titles(text: &str) -> Vec<(String, usize)> {
        let document = parse(FileKind::ReStructuredText, "n.rst", text).unwrap();
        document.sections.into_iter().map(|section| (section.headings.join(" / "), section.line)).collect()
    }

    #[test]
    fn levels_follow_the_order_of_the_rules() {
        let text = "=====\nGuide\n=====\n\n:tags: a, b\n:date: 2024-05-01\n\nIntro.\n\nUse\n===\n\nText.\n\nDeep\n----\nx\n\nOther\n=====\ny\n";
        let expected = [("Guide", 1), ("Guide / Use", 10), ("Guide / Use / Deep", 15), ("Guide / Other", 19)];
        let expected: Vec<(String, usize)> = expected.map(|(title, line)| (title.to_owned(), line)).to_vec();
        assert_eq!(titles(text), expected);
        let document = parse(FileKind::ReStructuredText, "n.rst", text).unwrap();
        assert_eq!((document.tags.join(","), document.date_ms), ("a,b".to_owned(), Some(1_714_521_600_000)));
    }

    #[test]
    fn what_is_no_title() {
        for text in [
            "Text\nmore text\n----\n",
            "::\n\n  Title\n  =====\n",
            "Title\n==\n",
            "Text\n\n-----\n\nText\n",
            "===  ===\na    b\n===  ===\n",
            "+---+\n| a |\n+---+\n",
        ] {
            assert_eq!(titles(text), [(String::new(), 1)], "{text}");
        }
    }

    #[test]
    fn titles_are_what_readers_see() {
        for (line, title) in [
            ("The ``code`` and :ref:`manual <m>`", "The code and manual"),
            ("A `link <https://example.org>`_ **here**", "A link here"),
            ("Plain: a `word`", "Plain: a word"),
        ] {
            assert_eq!(titles(&format!("{line}\n{}\nx\n", "=".repeat(60))), [(title.to_owned(), 1)]);
        }
    }
}
