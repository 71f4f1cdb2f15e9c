"""Pairs out of a document: its title and headings, and the text under them."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pairs import Pair, one_line

# A passage ends after this many words: models read no more of a long paragraph at once.
MOST_WORDS = 110

# Paragraphs of a section that its heading is paired with; later ones are often about something narrower.
PARAGRAPHS = 3

# Of every so many paragraphs, one gives a pair of a sentence and the rest.
SENTENCE_EVERY = 4

# A heading of fewer words, besides generic ones, is asked for together with the title above it.
TELLING_WORDS = 3

SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-ZÀÂÇÉÈÊÎÔ])")

# Headings that say nothing without the title above them.
GENERIC = frozenset(
    """
    a about also api attention au aussi autre autres aux cas changelog conclusion contents d dans de des
    description details du détails en et example examples exemple exemples faut features for général générale how
    il in installation introduction l la le les licence license more note noter notes néant of on options other ou
    overview par parameters paramètres pour principe présentation qui quickstart quoi references remarques
    requirements returns résumé savoir see situation summary sur the to un une usage utilisation voir à
    """.split()
)


@dataclass
class Section:
    heading: str
    paragraphs: list[str] = field(default_factory=list)


@dataclass
class Document:
    language: str
    title: str
    summary: str = ""
    sections: list[Section] = field(default_factory=list)


def pairs_of(document: Document) -> Iterator[Pair]:
    title, language = plain(document.title), document.language
    summary = plain(document.summary)
    if is_query(title) and is_passage(summary):
        yield Pair(kind_of(title), language, language, title, shortened(summary))
    count = 0
    for section in document.sections:
        paragraphs = [text for text in map(plain, section.paragraphs) if is_passage(text)]
        query = heading_query(title, plain(section.heading))
        if is_query(query):
            for paragraph in paragraphs[:PARAGRAPHS]:
                yield Pair(kind_of(query), language, language, query, shortened(paragraph))
        for paragraph in paragraphs:
            count += 1
            if count % SENTENCE_EVERY == 0:
                yield from sentence_and_rest(paragraph, language)


def heading_query(title: str, heading: str) -> str:
    """The heading, after the title if it says too little alone."""
    said = [word for word in re.findall(r"\w+", heading.lower()) if word not in GENERIC]
    if not said:
        return title
    return heading if len(said) >= TELLING_WORDS or title in ("", heading) else f"{title}: {heading}"


def sentence_and_rest(paragraph: str, language: str) -> Iterator[Pair]:
    sentences = SENTENCE_END.split(paragraph)
    if len(sentences) < 3:
        return
    sentence = sentences.pop(len(sentences) // 2)
    rest = " ".join(sentences)
    if 5 <= sentence.count(" ") <= 30 and is_passage(rest):
        yield Pair("icl", language, language, sentence, shortened(rest))


def kind_of(query: str) -> str:
    return "qa" if query.rstrip().endswith("?") else "head"


def plain(text: str) -> str:
    """The text on one line, without tags of HTML and marks of emphasis."""
    text = html.unescape(re.sub(r"</?[a-zA-Z][^>]*>", " ", text))
    return one_line(re.sub(r"\*\*?|``?|(?<!\w)_+|_+(?!\w)", "", text))


def is_query(text: str) -> bool:
    return 3 <= len(text) <= 200 and sum(map(str.isalpha, text)) >= 3


def is_passage(text: str) -> bool:
    """Whether a text is a sentence rather than a table, a formula or a lone word."""
    return len(text) >= 40 and text.count(" ") >= 6 and sum(map(str.isalpha, text)) > 0.6 * len(text)


def shortened(text: str) -> str:
    return " ".join(text.split(" ")[:MOST_WORDS])
