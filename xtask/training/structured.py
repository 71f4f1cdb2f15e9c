"""Pairs out of texts that packages carry as data: public-service sheets, rules with their questions, dictionaries.

Each function takes the files of a package and its language, which most of these forms imply, and gives pairs.
"""

import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

from documents import Document, Section, is_passage, is_query, pairs_of, plain, shortened
from pairs import Pair

Files = Iterator[tuple[str, bytes]]

# Meanings of a word that become its passage.
MEANINGS = 3

# Words of a dictionary: its first pages are those that people wrote first, of common words.
WORDS = 120_000

# Elements of a sheet that are lists of links and addresses.
LINKS = frozenset({"FilDAriane", "OuSAdresser", "PourEnSavoirPlus", "QuestionReponse", "Reference", "ServiceEnLigne"})


def sheets(files: Files, _: str) -> Iterator[Pair]:
    """Sheets of service-public.fr (rights and procedures), which are XML written as JSON."""
    for name, content in files:
        if re.search(r"/data/\w+/F\d+\.json$", name):
            yield from pairs_of(sheet(json.loads(content)))


def sheet(tree: dict[str, Any]) -> Document:
    document = Document("fr", "", sections=[Section("")])
    collect(tree, document)
    return document


def collect(node: dict[str, Any], document: Document) -> None:
    """Adds what a part of the tree says, in its order."""
    match node.get("name"):
        case "dc:title":
            document.title = text_of(node)
        case "dc:description":
            document.summary = text_of(node)
        case "Titre":
            document.sections.append(Section(text_of(node)))
        case "Paragraphe":
            document.sections[-1].paragraphs.append(text_of(node))
        case name if name not in LINKS:
            for child in node.get("children", ()):
                collect(child, document)


def text_of(node: dict[str, Any]) -> str:
    return node.get("text", "") + "".join(map(text_of, node.get("children", ())))


def work_sheets(files: Files, _: str) -> Iterator[Pair]:
    """Sheets of the French ministry of labor."""
    for name, content in files:
        if name.endswith("/fiches-travail.json"):
            for entry in json.loads(content):
                sections = [Section(part["title"], html_paragraphs(part["html"])) for part in entry["sections"]]
                yield from pairs_of(Document("fr", entry["title"], entry["description"], sections))


def html_paragraphs(text: str) -> list[str]:
    return re.split(r"</?(?:p|li|ul|ol|div|h\d|td|tr|br)\b[^>]*>", text)


def answers(files: Files, _: str) -> Iterator[Pair]:
    """Questions on labor law with the answer that holds for all trades."""
    for name, content in files:
        if name.endswith("/contributions.json"):
            for entry in json.loads(content):
                text = entry["answers"]["generic"]["markdown"]
                paragraphs = [re.sub(r"^[-#*\s]+", "", part) for part in re.split(r"\n\s*\n|\n(?=[-#])", text)]
                yield from pairs_of(Document("fr", entry["title"], sections=[Section("", paragraphs)]))


def rules(files: Files, _: str) -> Iterator[Pair]:
    """Rules of Publicodes, with their questions and explanations; in two languages if the package has both."""
    models: dict[str, dict[str, Any]] = {}
    for name, content in files:
        if found := re.search(r"FR-lang\.(en|fr)\.json$", name):
            models[found[1]] = json.loads(content)
        elif found := re.search(r"(?s)export const json = [^\"]*(\".*?[^\\]\")", content.decode("utf-8", "replace")):
            models["fr"] = json.loads(json.loads(found[1]))
    for language, model in models.items():
        for rule in model.values():
            yield from rule_pairs(rule, language)
    for name, rule in models.get("fr", {}).items():
        yield from translated(rule, models.get("en", {}).get(name))


def rule_pairs(rule: Any, language: str) -> Iterator[Pair]:
    title, question, description = rule_texts(rule)
    if is_passage(description):
        for query in filter(is_query, (question, title)):
            yield Pair("qa" if query is question else "head", language, language, query, shortened(description))


def rule_texts(rule: Any) -> list[str]:
    rule = rule if isinstance(rule, dict) else {}
    values = (rule.get(member) for member in ("titre", "question", "description"))
    return [plain(without_links(value)) if isinstance(value, str) else "" for value in values]


def without_links(text: str) -> str:
    return re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", re.sub(r"(?m)^[#>\-\s]+", "", text))


def translated(french: Any, english: Any) -> Iterator[Pair]:
    for fr, en in zip(rule_texts(french), rule_texts(english), strict=True):
        if is_query(fr[:200]) and is_query(en[:200]) and fr != en:
            yield Pair("par", "fr", "en", shortened(fr), shortened(en))


def dictionary(files: Files, _: str) -> Iterator[Pair]:
    """A French dictionary: a word, a tab, and its meanings separated by ` | `."""
    for name, content in files:
        if name.endswith("/glosses.txt.gz"):
            for line in gzip.decompress(content).decode().split("\n")[:WORDS]:
                word, _, meanings = line.partition("\t")
                meanings = [meaning for meaning in meanings.split(" | ") if meaning.count(" ") >= 3]
                if is_query(word) and meanings:
                    yield Pair("def", "fr", "fr", word, shortened(" ".join(meanings[:MEANINGS])))


def annotations(files: Files, _: str) -> Iterator[Pair]:
    """Names and keywords of symbols in both languages."""
    named: dict[str, dict[str, dict[str, list[str]]]] = {}
    for name, content in files:
        if found := re.search(r"/(en|fr)/annotations\.json$", name):
            named[found[1]] = json.loads(content)["annotations"]["annotations"]
    for symbol, french in named.get("fr", {}).items():
        english = named.get("en", {}).get(symbol, {})
        for languages in (("fr", french), ("en", english)):
            language, said = languages
            for title in said.get("tts", ()):
                yield Pair("def", language, language, title, ", ".join(said.get("default", ())))
        for title, translation in zip(french.get("tts", ()), english.get("tts", ()), strict=False):
            yield Pair("par", "fr", "en", title, translation)


def dialogs(files: Files, _: str) -> Iterator[Pair]:
    """Dialogs in YAML, one folder a language: a line that begins with `- - ` is followed by answers with `  - `."""
    for name, content in files:
        if found := re.search(r"/(english|french)/\w+\.yml$", name):
            language = found[1][:2]
            question = ""
            for line in content.decode("utf-8", "replace").splitlines():
                said = plain(re.sub(r"^[\s-]+", "", line).strip("'\" "))
                if line.startswith("- - "):
                    question = said
                elif line.startswith("  - ") and is_query(question):
                    yield Pair("qa", language, language, question, shortened(said))
