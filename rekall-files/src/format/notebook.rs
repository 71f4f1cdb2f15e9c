//! Jupyter notebooks (nbformat 4): the cells one below the other as Markdown, code in fences. Outputs are left out.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::front_matter;
use super::markdown;
use super::outline::{Heading, Outline};
use crate::SkipReason;

#[derive(Deserialize)]
struct Notebook<'n> {
    #[serde(borrow)]
    cells: Vec<Cell<'n>>,
    #[serde(default)]
    metadata: Value,
}

#[derive(Deserialize)]
struct Cell<'n> {
    cell_type: String,
    /// A text, or the lines of one.
    #[serde(borrow)]
    source: &'n RawValue,
}

pub(super) fn outline(json: &str) -> Result<Outline<'static>, SkipReason> {
    let malformed = |error: serde_json::Error| SkipReason::Malformed { message: error.to_string() };
    let notebook: Notebook<'_> = serde_json::from_str(json).map_err(malformed)?;
    let about = |place: &str| notebook.metadata.pointer(place).and_then(Value::as_str);
    let language = about("/kernelspec/language").or(about("/language_info/name")).unwrap_or_default();
    let mut writer = Writer { json, place: (0, 1), text: String::new(), lines: Vec::new() };
    let mut outline = Outline::default();
    for (number, cell) in notebook.cells.iter().enumerate() {
        let source = writer.source(cell.source).map_err(malformed)?;
        let start = writer.text.len();
        if cell.cell_type == "code" {
            writer.code(&source, language);
        } else {
            writer.lines(&source);
        }
        let text = &writer.text[start..];
        if number == 0 && cell.cell_type != "code" {
            let front_matter = front_matter::split(text);
            (outline.about, outline.start) = (front_matter.about, front_matter.length);
            outline.problems = front_matter.problems;
            outline.headings = moved(markdown::headings(&text[front_matter.body..]), front_matter.body);
        } else if cell.cell_type == "markdown" {
            outline.headings.extend(moved(markdown::headings(text), start));
        }
        writer.line("", writer.place.1);
    }
    outline.about.title = outline.about.title.or(about("/title").map(str::to_owned));
    Ok(Outline { text: writer.text.into(), lines: Some(writer.lines), ..outline })
}

fn moved(mut headings: Vec<Heading>, by: usize) -> Vec<Heading> {
    for heading in &mut headings {
        heading.start += by;
        heading.end += by;
    }
    headings
}

/// Lines of a cell, each with the line of the file on which it stands.
type Source = Vec<(String, usize)>;

struct Writer<'n> {
    json: &'n str,
    /// A place of the file and the number of its line.
    place: (usize, usize),
    text: String,
    lines: Vec<usize>,
}

impl Writer<'_> {
    fn source(&mut self, source: &RawValue) -> Result<Source, serde_json::Error> {
        let parts: Vec<&RawValue> = match serde_json::from_str(source.get()) {
            Ok(parts) => parts,
            Err(_) => vec![source],
        };
        let mut lines: Source = Vec::new();
        let mut goes_on = false;
        for part in parts {
            let line = self.line_of(part);
            // Decoding a file makes one form of its line ends, but these are written as escapes.
            let text = serde_json::from_str::<String>(part.get())?.replace("\r\n", "\n").replace('\r', "\n");
            for piece in text.split_inclusive('\n') {
                let content = piece.strip_suffix('\n').unwrap_or(piece);
                match lines.last_mut().filter(|_| goes_on) {
                    Some((last, _)) => last.push_str(content),
                    None => lines.push((content.to_owned(), line)),
                }
                goes_on = !piece.ends_with('\n');
            }
        }
        Ok(lines)
    }

    fn lines(&mut self, source: &Source) {
        for (text, line) in source {
            self.line(text, *line);
        }
    }

    fn code(&mut self, source: &Source, language: &str) {
        let Some((_, first)) = source.first() else { return };
        let backticks = |line: &str| line.trim_start().chars().take_while(|c| *c == '`').count();
        let longest = source.iter().map(|(line, _)| backticks(line)).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        self.line(&format!("{fence}{language}"), *first);
        self.lines(source);
        self.line(&fence, self.place.1);
    }

    fn line(&mut self, text: &str, line: usize) {
        self.text.push_str(text);
        self.text.push('\n');
        self.lines.push(line);
    }

    /// The line of a part of the file, which is not before the last one.
    fn line_of(&mut self, part: &RawValue) -> usize {
        let place = (part.get().as_ptr() as usize).saturating_sub(self.json.as_ptr() as usize);
        let place = place.clamp(self.place.0, self.json.len());
        self.place.1 += self.json[self.place.0..place].matches('\n').count();
        self.place.0 = place;
        self.place.1
    }
}

#[cfg(test)]
mod tests {
    use crate::{FileKind, parse};

    const NOTEBOOK: &str = r###"{
 "metadata": {"kernelspec": {"name": "python3", "language": "python"}},
 "cells": [
  {"cell_type": "raw", "source": "---\ntitle: Trial\ntags: [a]\n---"},
  {"cell_type": "markdown", "source": [
    "# Read\n",
    "\n",
    "Text.\n",
    "## Deep"
  ]},
  {"cell_type": "code", "source": ["# no heading\n", "s = '```'\n", "```\n"],
   "outputs": [{"text": "# no text"}]},
  {"cell_type": "markdown", "source": "```\nnot closed"},
  {"cell_type": "markdown", "source": "# End\nx"}
 ]
}"###;

    #[test]
    fn cells_are_read_one_below_the_other() {
        let document = parse(FileKind::Notebook, "n.ipynb", NOTEBOOK).unwrap();
        assert_eq!((document.title.as_str(), document.tags.join(",")), ("Trial", "a".to_owned()));
        let sections: Vec<_> = document
            .sections
            .iter()
            .map(|section| (section.title.as_str(), section.text.as_str(), section.line, section.text_line))
            .collect();
        let code = "````python\n# no heading\ns = '```'\n```\n````\n\n```\nnot closed";
        assert_eq!(
            sections,
            [
                ("Trial > Read", "Text.", 6, 8),
                ("Trial > Read > Deep", code, 9, 11),
                ("Trial > End", "x", 14, 14),
            ]
        );
    }

    #[test]
    fn what_is_no_notebook_is_malformed() {
        for text in
            ["", "{}", "[]", "{\"cells\": [{}]}", "{\"cells\": [{\"cell_type\": \"code\", \"source\": 1}]}"]
        {
            let reason = parse(FileKind::Notebook, "n.ipynb", text).unwrap_err();
            assert_eq!(reason.code(), "malformed", "{text}");
        }
        assert_eq!(parse(FileKind::Notebook, "n.ipynb", "{\"cells\": []}").unwrap().sections, []);
    }
}
