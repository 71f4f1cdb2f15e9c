//! Source code is cut at the items at the top of a file.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use rekall_files::{FileKind, WalkOptions, parse, read, walk};

/// Each section's heading, or `-`, and its first line.
fn sections(name: &str, text: &str) -> Vec<(String, String)> {
    let kind = FileKind::of(Path::new(name)).unwrap();
    let sections = parse(kind, name, text).unwrap().sections.into_iter();
    sections
        .map(|section| {
            let heading = section.headings.join("/");
            let first = section.text.lines().next().unwrap_or_default().to_owned();
            (if heading.is_empty() { "-".to_owned() } else { heading }, first)
        })
        .collect()
}

fn titles(name: &str, text: &str) -> Vec<String> {
    sections(name, text).into_iter().map(|(heading, _)| heading).collect()
}

#[test]
fn rust() {
    let text = "//! Docs.\n\nuse std::io;\n\n/// Reads.\n///\n/// # Errors\n#[derive(\n    Debug,\n)]\npub(crate) struct Reader<'a> {\n    name: &'a str,\n}\n\n\
                impl<T: Clone> From<T> for Reader<'_> {\n    fn from(_: T) -> Self {\n    }\n}\n\n#[test] fn one() {}\n\
                const TEXT: &str = \"\nfn not_an_item() {}\n\";\nconst RAW: &str = r#\"\nfn neither() {} \"\n\"#;\n\
                /*\nfn commented() {}\n/* nested */\n*/\npub const unsafe fn two() {}\nmod other;\nmacro_rules! three {\n}\n\
                const QUOTE: char = '\"';\nfn four() { let _ = '\\''; }\n";
    assert_eq!(
        sections("a.rs", text),
        [
            ("-", "//! Docs."),
            ("struct Reader<'a>", "/// Reads."),
            ("impl<T: Clone> From<T> for Reader<'_>", "impl<T: Clone> From<T> for Reader<'_> {"),
            ("fn one", "#[test] fn one() {}"),
            ("const TEXT", "const TEXT: &str = \""),
            ("const RAW", "const RAW: &str = r#\""),
            ("const unsafe fn two", "/*"),
            ("macro_rules! three", "macro_rules! three {"),
            ("const QUOTE", "const QUOTE: char = '\"';"),
            ("fn four", "fn four() { let _ = '\\''; }"),
        ]
        .map(|(title, first)| (title.to_owned(), first.to_owned()))
    );
}

#[test]
fn python() {
    let text = "\"\"\"Docs.\n\ndef not_an_item():\n\"\"\"\nimport os\n\n# Comment.\n@cache(\n    size=1,\n)\ndef one(a):\n    '''\nclass Not:\n    '''\n\n\
                class Two(Base):\n    def inner(self): ...\n\nasync def three():\n    pass\n\nif __name__ == '__main__':\n    one()\n";
    assert_eq!(titles("a.py", text), ["-", "def one", "class Two", "async def three"]);
    assert_eq!(sections("a.py", text)[1].1, "# Comment.");
}

#[test]
fn the_other_languages() {
    let text = "import x from 'y';\nconst fs = require('fs');\n/** Doc. */\nexport async function one() {}\nexport default class Two {}\n\
                const three = (a) => `\nfunction no() {}\n`;\nexport const four: number = 4;\ntype Five = {};\n";
    assert_eq!(
        titles("a.ts", text),
        [
            "-",
            "export async function one",
            "export default class Two",
            "const three",
            "export const four",
            "type Five"
        ]
    );

    let text = "package main\n\n// Doc.\nfunc (s *Server) Start(ctx context.Context) error {\n}\n\ntype Server struct {\n}\n\
                var raw = `\\`\nfunc main() {\n}\n";
    assert_eq!(
        titles("a.go", text),
        ["-", "func (s *Server) Start", "type Server struct", "var raw", "func main"]
    );

    let text = "#include <a.h>\n\nint declared(void);\nstruct forward;\n/* Doc.\n */\nstatic int one(void)\n{\n    if (x) {\n    }\n}\n\n\
                struct two {\n};\ntypedef struct {\n} three;\nstruct two variable = {\n};\nFOR_EACH(x) {\n}\n";
    assert_eq!(titles("a.c", text), ["-", "static int one", "struct two", "typedef struct"]);

    let text = "namespace n {\ntemplate <class T>\nclass One {\n};\ntemplate <class T> T two(T a) {\n}\nOne::One(int a) {\n}\n\
                const char *raw = R\"x(\nint no() {\n)x\";\n}\n";
    assert_eq!(titles("a.hpp", text), ["-", "class One", "T two", "One::One"]);

    let text = "package a;\n\n/** Doc. */\n@Entity(name = \"a\")\npublic final class One {\n    void inner() {}\n}\n\nenum Two {}\n";
    assert_eq!(titles("A.java", text), ["-", "public final class One", "enum Two"]);

    let text = "#!/bin/sh\nset -e\n\n# Doc.\none() {\n    echo \"${#x} $#\" # it's\n}\nfunction two {\n}\nx='\nno() {\n'\none\n";
    assert_eq!(titles("a.sh", text), ["-", "one", "function two"]);

    let text = "require 'a'\n\n=begin\ndef no\n=end\nclass One\n  def inner\n  end\nend\n\ndef two(a)\nend\n";
    assert_eq!(titles("a.rb", text), ["-", "class One", "def two"]);
}

#[test]
fn what_is_not_understood_is_one_section() {
    for (name, text) in [
        ("a.rs", "fn one() {}\n/* not closed\nfn two() {}\n"),
        ("a.py", "def one(): pass\n\"\"\"\ndef two(): pass\n"),
        ("a.sh", "one() {\n}\ncat <<E\nit's\nE\ntwo() {\n}\n"),
        ("a.sql", "create table a (b);\n"),
    ] {
        assert_eq!(titles(name, text), ["-"], "{name}");
    }
}

#[test]
fn sections_of_code_name_their_file() {
    let document = parse(FileKind::of(Path::new("main.rs")).unwrap(), "main.rs", "fn main() {}\n").unwrap();
    assert_eq!(
        (document.title.as_str(), document.sections[0].title.as_str()),
        ("main.rs", "main.rs > fn main")
    );
}

#[test]
fn this_crate_is_cut_at_its_items() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in walk(&[source], &WalkOptions::new()).unwrap().files {
        let document = read(&file.path, &Default::default()).unwrap();
        let text = std::fs::read_to_string(&file.path).unwrap();
        let begins_function =
            |line: &&str| line.starts_with("fn ") || (line.starts_with("pub") && line.contains(" fn "));
        let functions = text.lines().filter(begins_function).count();
        let found = document
            .sections
            .iter()
            .filter(|section| section.headings.iter().any(|title| title.starts_with("fn ")))
            .count();
        assert_eq!(found, functions, "{}", file.path.display());
    }
}
