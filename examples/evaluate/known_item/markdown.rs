//! Cutting a Markdown text into its sections.
//!
//! Headings as CommonMark has them (<https://spec.commonmark.org/0.31.2/>): `#` to `######`, and lines
//! underlined with `=` or `-`; those inside fenced code are text. Front matter between two `---` lines at the
//! very start belongs to the text before the first heading.

/// A heading with the text below it, up to the next heading.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Section {
    /// The heading and those above it, outermost first; empty before the first heading.
    pub(crate) headings: Vec<String>,
    /// The text, without blank lines around it.
    pub(crate) text: String,
}

/// The sections of a text, in order. Left out are those without text whose subsections say all there is.
pub(crate) fn sections(markdown: &str) -> Vec<Section> {
    let mut cutter = Cutter::default();
    let mut lines = markdown.lines().peekable();
    if markdown.lines().skip(1).any(|line| line.trim_end() == "---")
        && lines.next_if(|line| line.trim_end() == "---").is_some()
    {
        cutter.take("---");
        for line in lines.by_ref() {
            cutter.take(line);
            if line.trim_end() == "---" {
                break;
            }
        }
        cutter.paragraph = false;
    }
    let mut fence: Option<(char, usize)> = None;
    for line in lines {
        if let Some(open) = fence {
            if closes(line, open) {
                fence = None;
            }
            cutter.take(line);
            cutter.paragraph = false;
        } else if let Some(opened) = opens(line) {
            fence = Some(opened);
            cutter.take(line);
            cutter.paragraph = false;
        } else if let Some((level, heading)) = hashed(line) {
            cutter.begin(level, heading);
        } else if let Some(level) = underline(line).filter(|_| cutter.paragraph) {
            let heading = cutter.last_line();
            cutter.begin(level, heading);
        } else {
            cutter.take(line);
            cutter.paragraph = !line.trim().is_empty() && indent(line) < 4;
        }
    }
    cutter.finish()
}

#[derive(Default)]
struct Cutter {
    done: Vec<Section>,
    /// Level and text of the headings that hold here.
    open: Vec<(usize, String)>,
    text: String,
    /// Whether the line before could be a heading, were it underlined.
    paragraph: bool,
}

impl Cutter {
    fn take(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Takes back the line before, which an underline made a heading.
    fn last_line(&mut self) -> String {
        let kept = self.text.trim_end_matches('\n').rfind('\n').map_or(0, |at| at + 1);
        self.text.split_off(kept).trim().to_owned()
    }

    fn begin(&mut self, level: usize, heading: String) {
        self.end_section(level);
        self.open.retain(|(open, _)| *open < level);
        self.open.push((level, heading));
        self.paragraph = false;
    }

    /// Closes the section under way; the next heading is of level `next`.
    fn end_section(&mut self, next: usize) {
        let text = std::mem::take(&mut self.text);
        let text = text.trim_matches(['\n', '\r']).trim_end();
        let has_subsections = self.open.last().is_none_or(|(level, _)| next > *level);
        if !text.trim().is_empty() || !has_subsections {
            let headings = self.open.iter().map(|(_, heading)| heading.clone()).collect();
            self.done.push(Section { headings, text: text.to_owned() });
        }
    }

    fn finish(mut self) -> Vec<Section> {
        self.end_section(0);
        self.done
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// `## Heading ##` as its level and text.
fn hashed(line: &str) -> Option<(usize, String)> {
    if indent(line) > 3 {
        return None;
    }
    let line = line.trim();
    let level = line.len() - line.trim_start_matches('#').len();
    let rest = &line[level..];
    if !(1..=6).contains(&level) || !(rest.is_empty() || rest.starts_with([' ', '\t'])) {
        return None;
    }
    let heading = rest.trim();
    let closed = heading.trim_end_matches('#');
    let heading =
        if closed.is_empty() || closed.ends_with([' ', '\t']) { closed.trim_end() } else { heading };
    Some((level, heading.to_owned()))
}

/// The level that an underline gives to the line above it.
fn underline(line: &str) -> Option<usize> {
    let dashes = line.trim();
    let only = |mark: char| !dashes.is_empty() && dashes.chars().all(|character| character == mark);
    match indent(line) {
        0..=3 if only('=') => Some(1),
        0..=3 if only('-') => Some(2),
        _ => None,
    }
}

/// The mark and length of a fence that begins code.
fn opens(line: &str) -> Option<(char, usize)> {
    let code = line.trim_start();
    let mark = code.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let length = code.chars().take_while(|character| *character == mark).count();
    // `` ```like this``` `` is code inside a line.
    (indent(line) < 4 && length >= 3 && !(mark == '`' && code[length..].contains('`')))
        .then_some((mark, length))
}

fn closes(line: &str, (mark, length): (char, usize)) -> bool {
    let fence = line.trim();
    fence.chars().count() >= length && fence.chars().all(|character| character == mark)
}
