//! HTML: `h1` to `h6` are the headings, wherever they stand. The text is what a reader sees, without markup: one
//! line for each paragraph, list item, row and line break. The lines of `pre` stay.

use html5gum::emitters::default::{DefaultEmitter, EndTag, StartTag, Token};
use html5gum::{HtmlString, Span, Tokenizer};
use serde_json::Value;

use super::front_matter::{milliseconds, names_in};
use super::markdown::one_line;
use super::outline::{About, Heading, Outline};

/// Elements that begin and end lines of their own, with a blank line around them.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "center",
    "details",
    "dialog",
    "dl",
    "fieldset",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "ul",
];
/// Elements that begin and end lines of their own.
const LINES: &[&str] =
    &["br", "caption", "dd", "div", "dt", "figcaption", "legend", "li", "option", "summary", "tr"];
/// Blocks that cannot stand in a heading, and so end one that was left open.
const END_HEADINGS: &[&str] = &["article", "body", "ol", "p", "pre", "section", "table", "ul"];

pub(super) fn outline(html: &str) -> Outline<'static> {
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    emitter.naively_switch_states(true);
    let mut page = Page::new(html);
    for token in Tokenizer::new_with_emitter(html, emitter) {
        match token {
            Ok(Token::StartTag(tag)) => page.start(&tag),
            Ok(Token::EndTag(tag)) => page.end(&tag),
            Ok(Token::String(text)) => page.text(&text.value, text.span),
            Ok(Token::Comment(_) | Token::Doctype(_) | Token::Error(_)) => {}
            Err(never) => match never {},
        }
    }
    page.end_heading();
    Outline {
        text: page.text.into(),
        headings: page.headings,
        lines: Some(page.lines),
        about: page.about,
        ..Outline::default()
    }
}

/// The text so far.
struct Page<'h> {
    html: &'h str,
    /// A place of the source and the number of its line.
    place: (usize, usize),
    text: String,
    /// The line of the source for each line of `text`.
    lines: Vec<usize>,
    headings: Vec<Heading>,
    /// Level and start of the heading under way.
    heading: Option<(u8, usize)>,
    /// The element whose text is not the page's: `script`, `style` or `title`.
    apart: Option<&'static str>,
    /// Preformatted elements under way.
    pre: usize,
    /// Whether a space is due before the next word.
    space: bool,
    about: About,
}

impl<'h> Page<'h> {
    fn new(html: &'h str) -> Self {
        Self {
            html,
            place: (0, 1),
            text: String::new(),
            lines: vec![1],
            headings: Vec::new(),
            heading: None,
            apart: None,
            pre: 0,
            space: false,
            about: About::default(),
        }
    }

    fn start(&mut self, tag: &StartTag<usize>) {
        let name = name_of(&tag.name);
        self.apart = ["script", "style", "title"].into_iter().find(|apart| *apart == name);
        if END_HEADINGS.contains(&name) {
            self.end_heading();
        }
        match name {
            "meta" => self.meta(tag),
            "pre" => self.pre += 1,
            _ => {}
        }
        self.boundary(name);
        if let Some(level) = heading_level(name) {
            self.end_heading();
            self.heading = Some((level, self.text.len()));
        }
    }

    fn end(&mut self, tag: &EndTag<usize>) {
        let name = name_of(&tag.name);
        self.apart = None;
        if name == "pre" {
            self.pre = self.pre.saturating_sub(1);
        }
        if heading_level(name).is_some() {
            self.end_heading();
        }
        self.boundary(name);
    }

    fn boundary(&mut self, name: &str) {
        if self.heading.is_some() || ["td", "th"].contains(&name) {
            self.space = true;
        } else if BLOCKS.contains(&name) {
            self.blank_line();
        } else if LINES.contains(&name) {
            self.newline();
        }
    }

    fn text(&mut self, text: &HtmlString, span: Span) {
        let text = String::from_utf8_lossy(&text.0);
        match self.apart {
            Some("title") => {
                let title = one_line(&text);
                if self.about.title.is_none() && !title.is_empty() {
                    self.about.title = Some(title);
                }
                return;
            }
            Some(_) => return,
            None => {}
        }
        let mut line = self.line_of(span.start);
        // A line feed that is written as `&#10;` begins no line of the source.
        let last = self.line_of(span.end);
        for (number, part) in text.split('\n').enumerate() {
            if number > 0 {
                line = (line + 1).min(last);
                if self.pre > 0 && self.heading.is_none() {
                    self.text.push('\n');
                    self.lines.push(line);
                    self.space = false;
                } else {
                    self.space = true;
                }
            }
            if self.pre > 0 && self.heading.is_none() {
                self.word(part, line);
            } else {
                self.words(part, line);
            }
        }
    }

    /// Text in which any white space is one space.
    fn words(&mut self, text: &str, line: usize) {
        let is_space = |character: char| character.is_ascii_whitespace();
        self.space |= text.starts_with(is_space);
        for (number, word) in text.split(is_space).filter(|word| !word.is_empty()).enumerate() {
            self.space |= number > 0;
            self.word(word, line);
        }
        self.space |= text.ends_with(is_space);
    }

    fn word(&mut self, word: &str, line: usize) {
        if word.is_empty() {
            return;
        }
        if self.text.is_empty() || self.text.ends_with('\n') {
            if let Some(last) = self.lines.last_mut() {
                *last = line;
            }
        } else if self.space {
            self.text.push(' ');
        }
        self.space = false;
        self.text.push_str(word);
    }

    fn newline(&mut self) {
        self.space = false;
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
            self.lines.push(self.place.1);
        }
    }

    fn blank_line(&mut self) {
        self.newline();
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
            self.lines.push(self.place.1);
        }
    }

    fn end_heading(&mut self) {
        let Some((level, start)) = self.heading.take() else { return };
        let title = one_line(&self.text[start..]);
        self.blank_line();
        if !title.is_empty() {
            self.headings.push(Heading { level, title, tags: Vec::new(), start, end: self.text.len() });
        }
    }

    /// The line of a place that is not before the last one.
    fn line_of(&mut self, place: usize) -> usize {
        let place = self.html.floor_char_boundary(place.max(self.place.0));
        self.place.1 += self.html[self.place.0..place].matches('\n').count();
        self.place.0 = place;
        self.place.1
    }

    fn meta(&mut self, tag: &StartTag<usize>) {
        let attribute = |name: &str| {
            let (_, value) = tag.attributes.iter().find(|(key, _)| key.0 == name.as_bytes())?;
            Some(String::from_utf8_lossy(&value.value.0).into_owned())
        };
        let (Some(name), Some(content)) = (attribute("name").or(attribute("property")), attribute("content"))
        else {
            return;
        };
        match name.to_ascii_lowercase().as_str() {
            "keywords" => self.about.tags.extend(names_in(&content)),
            "date" | "dcterms.date" | "article:published_time" => {
                self.about.date_ms = milliseconds(&content).or(self.about.date_ms);
            }
            "author" | "description" => {
                self.about.metadata.insert(name.to_ascii_lowercase(), Value::String(one_line(&content)));
            }
            _ => {}
        }
    }
}

/// A tag's name, which the tokenizer has put into lower case.
fn name_of(name: &HtmlString) -> &str {
    std::str::from_utf8(&name.0).unwrap_or_default()
}

fn heading_level(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [b'h', level @ b'1'..=b'6'] => Some(level - b'0'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::{FileKind, parse};

    #[test]
    fn a_page_is_what_its_reader_sees() {
        let html = "<!doctype html>\n<html><head><title>The\n guide</title>\n<meta name=keywords content='a, b'>\n\
                    <meta property=\"article:published_time\" content=2024-05-01>\n<style>h1 { color: red }</style>\n\
                    <script>document.write('<h1>no</h1>')</script></head>\n<body>\nIntro&nbsp;&amp; more.\n\
                    <h1 id=x>Use <code>it</code></h1>\n<p>One <b>bold</b>ly\nset.<p>Two.<ul><li>a<li>b</ul>\n\
                    <!-- <h2>no</h2> --><h2>Deep</h2><pre>x\n  y\n</pre><table><tr><td>1<td>2</table>";
        let document = parse(FileKind::Html, "g.html", html).unwrap();
        assert_eq!((document.title.as_str(), document.tags.join(",")), ("The guide", "a,b".to_owned()));
        assert_eq!(document.date_ms, Some(1_714_521_600_000));
        let sections: Vec<_> = document
            .sections
            .iter()
            .map(|section| (section.title.as_str(), section.text.as_str(), section.line, section.text_line))
            .collect();
        assert_eq!(
            sections,
            [
                ("The guide", "Intro\u{a0}& more.", 9, 9),
                ("The guide > Use it", "One boldly set.\n\nTwo.\n\na\nb", 10, 11),
                ("The guide > Use it > Deep", "x\n  y\n\n1 2", 13, 13),
            ]
        );
    }

    #[test]
    fn a_heading_left_open_ends_where_text_begins() {
        let document = parse(FileKind::Html, "g.html", "<h1>A<p>x<h2>B<h2>C</h2>y").unwrap();
        let titles: Vec<_> = document.sections.iter().map(|section| section.headings.join("/")).collect();
        assert_eq!(titles, ["A", "A/B", "A/C"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_ends(html in "(<|</|>|h1|p|pre|script|title|=|\"|é|\n| |&amp;|&#10;|<!--|-->){0,40}") {
            for section in parse(FileKind::Html, "g.html", &html).unwrap().sections {
                proptest::prop_assert!(section.line <= section.text_line);
                proptest::prop_assert!(section.text_line <= html.matches('\n').count() + 2);
            }
        }
    }
}
