//! Headings as CommonMark's reference implementation sees them: `cmark`, with GitHub's extensions for tables. `cargo xtask
//! test` fetches it and names its folder in `REKALL_TEST_CMARK`; without it these tests say that they were skipped.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::markdown;
use crate::{WalkOptions, walk};

/// Reads a list of texts; writes for each the headings outside of lists and quotations: level, title, line.
const SCRIPT: &str = r#"
import json, sys
from html.parser import HTMLParser
from cmarkgfm import cmark

class Headings(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.found, self.depth, self.open = [], 0, None
    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag in ("ul", "ol", "blockquote"):
            self.depth += 1
        elif tag in ("h1", "h2", "h3", "h4", "h5", "h6") and self.depth == 0:
            self.open = [int(tag[1]), "", int(attributes["data-sourcepos"].split(":")[0])]
        elif tag == "img" and self.open:
            self.open[1] += attributes["alt"]
        elif tag == "br" and self.open:
            self.open[1] += " "
    def handle_endtag(self, tag):
        if tag in ("ul", "ol", "blockquote"):
            self.depth -= 1
        elif tag[:1] == "h" and tag[1:].isdigit() and self.open:
            level, title, line = self.open
            self.found.append([level, " ".join(title.split()), line])
            self.open = None
    def handle_data(self, data):
        if self.open:
            self.open[1] += data

def headings(text):
    # Raw HTML is left out, so that every tag is the parser's own.
    options = cmark.Options.CMARK_OPT_SOURCEPOS
    html = cmark.markdown_to_html_with_extensions(text, options, ["table", "strikethrough"])
    reader = Headings()
    reader.feed(html)
    return reader.found

json.dump([headings(text) for text in json.load(sys.stdin)], sys.stdout)
"#;

type Headings = Vec<(u64, String, usize)>;

/// The headings of each text by the reference implementation; `None` if it is not there.
fn theirs(texts: &[String]) -> Option<Vec<Headings>> {
    let Some(folder) = std::env::var_os("REKALL_TEST_CMARK") else {
        println!("skipped: REKALL_TEST_CMARK is not set (cargo xtask test sets it)");
        return None;
    };
    let mut python = Command::new("python3");
    python.args(["-c", SCRIPT]).env("PYTHONPATH", folder).env("PYTHONDONTWRITEBYTECODE", "1");
    let mut child = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let input = serde_json::to_vec(texts).unwrap();
    child.stdin.take().unwrap().write_all(&input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let documents: Vec<Vec<(u64, String, usize)>> =
        serde_json::from_slice::<Value>(&output.stdout).and_then(serde_json::from_value).unwrap();
    Some(documents)
}

fn ours(text: &str) -> Headings {
    let line = |place: usize| text[..place].matches('\n').count() + 1;
    let headings = markdown::headings(text).into_iter();
    headings.map(|heading| (heading.level.into(), heading.title, line(heading.start))).collect()
}

/// Compares all texts, and returns the number of headings.
fn compare(texts: &[String], name: impl Fn(usize) -> String) -> usize {
    let Some(theirs) = theirs(texts) else { return usize::MAX };
    let mut compared = 0;
    let mut differences = Vec::new();
    for (number, (text, theirs)) in texts.iter().zip(theirs).enumerate() {
        compared += theirs.len();
        let ours = ours(text);
        if ours != theirs {
            differences.push(format!("{}:\n{text}\n ours: {ours:?}\n theirs: {theirs:?}", name(number)));
        }
    }
    assert!(differences.is_empty(), "{} texts differ; first ones:\n{}", differences.len(), {
        differences.truncate(5);
        differences.join("\n\n")
    });
    compared
}

const SEED: u64 = 0x5EED_0F14;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }

    fn pick<'p>(&mut self, pieces: &[&'p str]) -> &'p str {
        pieces[self.below(pieces.len())]
    }
}

/// Starts of lines: indentation and containers.
const STARTS: &[&str] =
    &["", "", "", "", "", " ", "   ", "    ", "\t", "> ", ">", "- ", "  ", "1. ", "* ", "+ ", "> - "];
/// What follows. Left out is where the reference implementation and others differ: a definition with a line directly
/// below it (so it has a blank one) or cut off (`[ref]:`), a table of one column (`|--` above `---`) or with a head of dashes
/// alone, `</pre>` at the start of a line, and `<pre>` that `</script>` ends.
const LINES: &[&str] = &[
    "",
    "",
    "",
    "text",
    "two words",
    "# one",
    "## two ##",
    "### *three* `3`",
    "#### four \\#",
    "#",
    "##\ttab",
    "#not",
    "####### seven",
    "---",
    "--- ",
    "- - -",
    "===",
    "=",
    "-",
    "***",
    "```",
    "```rust",
    "~~~",
    "````",
    "<div>",
    "</div>",
    "<!-- c -->",
    "<!--",
    "-->",
    "<pre>",
    "x</pre>",
    "<?php",
    "?>",
    "<span>x</span>",
    "<b",
    "| a | b |",
    "|---|---|",
    "a | b",
    DASHES,
    "[ref]: /url\n",
    "[ref]",
    "[a](b)",
    "![c](d)",
    "**bold",
    "bold**",
    "`code",
    "code`",
    "a\\",
    "a  ",
    "&amp; &copy; &#35;",
    "\\# escaped",
    "~~gone~~",
    "<https://e.org>",
    "_em_ph_",
    "é à 漢字",
    "# é &lt;",
    "# [a][ref] <i>b</i>",
    "# a ![b *c*](d)",
    "# a `` b ` c ``",
];

/// Below a table's head; twice it is a table whose head is dashes.
const DASHES: &str = "--- | ---";

fn generated(count: usize) -> Vec<String> {
    let mut random = Random(SEED);
    let text = |random: &mut Random| {
        let mut text = String::new();
        let mut last = "";
        for _ in 0..=random.below(14) {
            text += random.pick(STARTS);
            let line = random.pick(LINES);
            last = if line == DASHES && last == DASHES { "" } else { line };
            text += last;
            text.push('\n');
        }
        text
    };
    (0..count).map(|_| text(&mut random)).collect()
}

#[test]
fn headings_of_generated_texts_are_those_of_the_reference_implementation() {
    let texts = generated(20_000);
    let compared = compare(&texts, |number| format!("text {number} of seed {SEED:#x}"));
    assert!(compared > 9_000, "{compared} headings");
}

#[test]
fn headings_of_the_repository_are_those_of_the_reference_implementation() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let files = walk(&[root], &WalkOptions::new()).unwrap().files;
    let is_markdown = |path: &Path| path.extension().is_some_and(|extension| extension == "md");
    let paths: Vec<_> = files.into_iter().map(|file| file.path).filter(|path| is_markdown(path)).collect();
    let texts: Vec<String> = paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let compared = compare(&texts, |number| paths[number].display().to_string());
    assert!(compared > 100, "{compared} headings in {} files", paths.len());
}
