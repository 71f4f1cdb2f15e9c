"""Whether a text is in a language, judged by its most common words."""

import re

COMMON = {
    "en": frozenset("the of and to in is that for it with as be on by this are or from at an not can you".split()),
    "fr": frozenset("le la les des et est en un une du que qui dans pour par sur au ce il vous pas sont ou".split()),
}

# Common words among all words of a text of a few sentences; prose of either language has about a third.
SHARE = 0.12


def is_in(language: str, text: str) -> bool:
    """Whether common words of the language are frequent in a text, and more so than those of the other."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    counts = {name: sum(word in common for word in words) for name, common in COMMON.items()}
    return bool(words) and counts[language] >= SHARE * len(words) and counts[language] == max(counts.values())
