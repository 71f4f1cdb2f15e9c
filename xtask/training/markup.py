"""Documents out of Markdown and reStructuredText, and the synopses of Python's functions and classes."""

import ast
import re
import textwrap
from collections.abc import Iterator

from documents import Document, Section, is_passage, is_query, plain, shortened
from pairs import Pair

# What is no prose: fenced code, comments, templates, tables, images, front matter.
NO_PROSE = re.compile(
    r"(?ms)\A---\n.*?^---$|^[ \t]*(`{3,}|~{3,}).*?^[ \t]*\1|<!--.*?-->|\{[%{].*?[%}]\}|^[ \t]*\|.*?$"
    r"|!\[[^\]]*\]\([^)]*\)"
)
HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*(?:\{.*\})?$")
UNDERLINE = re.compile(r"^([=\-~^\"'`#*+.:])\1{2,}\s*$")
LIST_ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)]|#\.)\s+")


def markdown(text: str, language: str) -> Document:
    text = NO_PROSE.sub("\n", text)
    text = re.sub(r"\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])", r"\1", text)
    document = Document(language, "", sections=[Section("")])
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:#{1,6}\s|[-*+]\s|\d+[.)]\s))", text):
        for line in block.splitlines()[:1]:
            if found := HEADING.match(line):
                open_section(document, found[2])
                block = block[len(line) :]
        if not block.startswith("    "):
            add_paragraph(document, re.sub(r"(?m)^\s*>\s?(?:\[!\w+\])?", "", block))
    return document


def rest(text: str, language: str) -> Document:
    text = re.sub(r":[\w:+-]+:`([^`<]*?)(?:\s*<[^>]*>)?`", r"\1", text)
    text = re.sub(r"`([^`<]*?)\s*<[^>]*>`_+", r"\1", text)
    document = Document(language, "", sections=[Section("")])
    for block in re.split(r"\n\s*\n", text):
        lines = [line for line in block.splitlines() if line.strip()]
        if len(lines) > 1 and UNDERLINE.match(lines[0]):
            lines = lines[1:]
        if len(lines) > 1 and UNDERLINE.match(lines[1]) and len(lines[1]) >= len(lines[0].strip()):
            open_section(document, lines[0])
            lines = lines[2:]
        # A directive, a field, a literal block.
        if lines and not re.match(r"\s*\.\. |\s*:|\s{4,}|>>>|\.\. |\+[-=]|={3,}", lines[0]):
            add_paragraph(document, "\n".join(lines).removesuffix("::"))
    return document


def open_section(document: Document, heading: str) -> None:
    heading = plain(heading)
    document.title = document.title or heading
    document.sections.append(Section(heading))


def add_paragraph(document: Document, block: str) -> None:
    for item in re.split(r"\n(?=\s*(?:[-*+]|\d+[.)]|#\.)\s)", block):
        document.sections[-1].paragraphs.append(LIST_ITEM.sub("", item.replace("\\", "")))


def synopses(source: str, language: str) -> Iterator[Pair]:
    """The first sentence of each docstring, with the paragraph after it."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            synopsis, _, rest_of = textwrap.dedent(ast.get_docstring(node) or "").partition("\n\n")
            description = plain(rest_of.lstrip().split("\n\n")[0])
            is_prose = description and not re.match(r":|\.\.|>>>|Parameters|Args|Returns|Examples", description)
            if is_prose and is_passage(description) and is_query(plain(synopsis)):
                yield Pair("syn", language, language, plain(synopsis), shortened(description))
