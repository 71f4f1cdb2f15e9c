"""The normalization of the tokenizer: NFKC, lower case, punctuation and symbols to spaces.

A vocabulary of 32,000 pieces is small. Lower case and no punctuation keep it for words, and the apostrophe of French
elision (`l'élève`) parts two words. `rules` writes the same mapping as SentencePiece's table, which goes into the
tokenizer's `precompiled_charsmap`: a loader of tokenizer.json needs no code of its own for it.
"""

import unicodedata
from collections.abc import Iterator
from pathlib import Path

# Signs that tell words apart: C++, C#, 50 %, $HOME, 5 €, AT&T, user@host.
KEPT_SIGNS = set("+#%$€£°&@")

# The blocks whose characters are mapped: Latin, Greek, Cyrillic and what goes with them, symbols, forms of
# compatibility, pictographs. Others keep their form, and no piece knows them.
BLOCKS = [
    (0x0020, 0x0590),
    (0x1E00, 0x2C00),
    (0x3000, 0x3040),
    (0xA640, 0xA7F0),
    (0xFB00, 0xFB07),
    (0xFE30, 0xFE70),
    (0xFF01, 0xFF5F),
    (0x1F300, 0x1F700),
]

SPACE_CATEGORIES = ("P", "Z", "C", "Sk", "So", "Sm")


def normalized_character(character: str) -> str:
    lower = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", character).lower())
    return "".join(
        " " if unicodedata.category(c).startswith(SPACE_CATEGORIES) and c not in KEPT_SIGNS else c for c in lower
    )


def characters() -> Iterator[str]:
    for first, end in BLOCKS:
        for code in range(first, end):
            if unicodedata.category(chr(code)) not in ("Cn", "Cs"):
                yield chr(code)


def single_mappings() -> dict[int, str]:
    """What one character becomes, for those that change."""
    mapping = {ord(c): normalized_character(c) for c in characters() if normalized_character(c) != c}
    # White space, the byte order mark and the soft hyphen.
    return mapping | {0x09: " ", 0x0A: " ", 0x0D: " ", 0xFEFF: " ", 0xAD: ""}


def composed_mappings() -> dict[str, str]:
    """What a letter with a combining mark becomes: the composed letter, normalized."""
    mapping = {}
    for character in characters():
        parts = unicodedata.normalize("NFD", character)
        is_pair = len(parts) == 2 and unicodedata.combining(parts[1])
        if is_pair and unicodedata.normalize("NFC", parts) == character:
            mapping[parts] = normalized_character(character)
    return mapping


SINGLE = single_mappings()


def normalize(text: str) -> str:
    """The text as the tokenizer sees it, except that runs of spaces stay."""
    return unicodedata.normalize("NFC", text).translate(SINGLE)


def write_rules(path: Path) -> None:
    """SentencePiece's table of rules: code points, a tab, code points."""
    rules = {chr(code): text for code, text in SINGLE.items()} | composed_mappings()
    with open(path, "w", encoding="ascii") as file:
        for source, result in sorted(rules.items()):
            file.write(f"{code_points(source)}\t{code_points(result)}\n")


def code_points(text: str) -> str:
    return " ".join(f"{ord(c):X}" for c in text)
