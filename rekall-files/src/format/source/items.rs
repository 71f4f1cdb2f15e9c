//! The items of a source file.

use super::super::lines::lines;
use super::scan::{Place, places};
use super::syntax::{Functions, Syntax};

/// Statements that look like a function of C or a shell.
const STATEMENTS: &[&str] =
    &["if", "else", "for", "while", "switch", "return", "case", "do", "goto", "using"];

/// A definition, from its comment on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) start: usize,
    /// Its first line up to what it is about: `pub fn parse`, `class Reader`.
    pub(super) title: String,
}

/// The items in order; none if they cannot be told.
pub(super) fn items(text: &str, syntax: Option<&Syntax>) -> Vec<Item> {
    let Some((syntax, places)) = syntax.and_then(|syntax| Some((syntax, places(text, syntax)?))) else {
        return Vec::new();
    };
    let mut items = Vec::new();
    // Where the comment or the attributes begin that stand directly above.
    let mut above: Option<usize> = None;
    for ((start, line), place) in lines(text).zip(places) {
        let is_indented = line.starts_with([' ', '\t']);
        if place == Place::Comment {
            above = above.or(Some(start));
        } else if place == Place::Text || is_indented || line.starts_with([')', '}', ']']) {
            // The rest of an attribute, or of an item.
        } else if line.trim().is_empty() {
            above = None;
        } else if syntax.begins_comment(line) || syntax.begins_attribute(line) {
            above = above.or(Some(start));
        } else {
            if let Some(title) = syntax.title(line) {
                items.push(Item { start: above.unwrap_or(start), title });
            }
            above = None;
        }
    }
    items
}

impl Syntax {
    pub(super) fn uses_raw_strings(&self) -> bool {
        self.attributes.contains(&"#[") || self.attributes.contains(&"template")
    }

    fn begins_comment(&self, line: &str) -> bool {
        let block = self.block_comment.map(|(open, _)| open.trim_start());
        let mut marks = self.line_comments.iter().copied().chain(block);
        marks.any(|mark| line.starts_with(mark)) && !self.begins_attribute(line)
    }

    /// A line of attributes alone, or the first one of several.
    fn begins_attribute(&self, line: &str) -> bool {
        let is_alone = || {
            let line = line.trim_end();
            line.ends_with([']', ')', '>', ',', '(', '[']) || !line.contains(char::is_whitespace)
        };
        let is_keyword = || self.keywords.iter().any(|keyword| line.starts_with(keyword));
        self.attributes.iter().any(|mark| line.starts_with(mark)) && is_alone() && !is_keyword()
    }

    /// The line without attributes in front of its item: `#[test] fn name() {`.
    fn without_attributes<'l>(&self, line: &'l str) -> &'l str {
        let Some(mark) = self.attributes.iter().find(|mark| line.starts_with(**mark)) else { return line };
        let end = match *mark {
            "#[" | "[" => "] ",
            "template" => "> ",
            "[[" => "]] ",
            _ => " ",
        };
        line.split_once(end).map_or(line, |(_, item)| item.trim_start())
    }

    /// The title of the item that a line begins.
    fn title(&self, line: &str) -> Option<String> {
        let line = without_visibility(self.without_attributes(line));
        let mut words = line.split_whitespace().peekable();
        let is_exported = line.starts_with("export ");
        let mut modifiers = 0;
        let has_keyword = loop {
            let Some(word) = words.next() else { break false };
            let word = word.split(['(', '<', '{', ':']).next().unwrap_or_default();
            if self.bindings.contains(&word) {
                break is_exported || ["=>", "function", "class "].iter().any(|mark| line.contains(mark));
            }
            // `const` is both in Rust: of a function, and a constant.
            let is_modifier = self.modifiers.contains(&word)
                && words.peek().is_some_and(|next| {
                    let next = next.split(['(', '<']).next().unwrap_or_default();
                    let known = [self.modifiers, self.keywords, self.bindings];
                    known.iter().any(|words| words.contains(&next)) || next.starts_with('"')
                });
            if self.keywords.contains(&word) && !is_modifier {
                break true;
            }
            // The ABI in `extern "C" fn`.
            let is_abi = word.starts_with('"') && modifiers > 0;
            if !is_modifier && !is_abi {
                break false;
            }
            modifiers += 1;
        };
        let is_item = (has_keyword && !self.is_declaration(line)) || self.is_function(line);
        let title = is_item.then(|| short(line))?;
        (!title.is_empty()).then_some(title)
    }

    /// `mod name;`, `struct name;` of C, and variables with such a type.
    fn is_declaration(&self, line: &str) -> bool {
        let ends = line.trim_end().ends_with(';');
        let is_module = line.split_whitespace().any(|word| word == "mod");
        match self.functions {
            Functions::C => ends || line.contains('='),
            _ => ends && is_module,
        }
    }

    fn is_function(&self, line: &str) -> bool {
        let code = line.trim_end();
        let Some((head, _)) = code.split_once('(') else { return false };
        let name = head.split_whitespace().next().unwrap_or_default();
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_alphabetic() || c == '_') && !STATEMENTS.contains(&name)
        };
        match self.functions {
            Functions::WithKeyword => false,
            // A type and a name, or a constructor; a macro has the name alone.
            Functions::C => {
                is_name(name)
                    && (head.split_whitespace().count() > 1 || name.contains("::"))
                    && !code.ends_with([';', '\\'])
                    && !head.contains(['=', '#', '"'])
            }
            Functions::Shell => {
                is_name(name)
                    && !name.contains('=')
                    && head.trim_end() == name
                    && code[head.len()..].starts_with("()")
            }
        }
    }
}

/// The line without Rust's `pub` or `pub(in path)`.
fn without_visibility(line: &str) -> &str {
    let line = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(") ").map_or(line, |(_, item)| item),
        Some(rest) if rest.starts_with(' ') => rest,
        _ => line,
    };
    line.trim_start()
}

/// The line up to its parameters, its body or its value. The receiver of a method in Go stays.
fn short(line: &str) -> String {
    let receiver = line.strip_prefix("func (").and_then(|rest| rest.find(')')).map_or(0, |end| end + 7);
    let (before, rest) = line.split_at(receiver);
    let end = rest.find(['(', '{', ';', '=']).unwrap_or(rest.len());
    // A colon ends the line in Python and begins a type elsewhere, unless it stands in a list of parameters.
    let head = rest[..end].trim_end();
    let head = head.strip_suffix(':').unwrap_or(head);
    let colon = head.find(": ").filter(|colon| !head[..*colon].contains('<')).unwrap_or(head.len());
    format!("{before}{}", &head[..colon]).trim().to_owned()
}
