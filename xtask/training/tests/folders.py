"""Small folders of judged sets and pairs, written for the tests."""

import json
import pathlib
import tempfile
import unittest

from pairs import Pair, write_pairs

DOCUMENT = (
    "The lighthouse keeper wrote down every ship that passed the northern cape, its flag, its course and the hour, "
    "and on stormy nights he wrote nothing at all."
)
QUESTION = "What did the lighthouse keeper write down?"
UTTERANCE = "please water the ferns on the balcony"


class FolderTest(unittest.TestCase):
    """A test with a folder of its own, and judged sets in it."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.sets = self.folder / "sets"
        write(self.sets / "harbor" / "docs.jsonl", json.dumps({"id": "d1", "text": DOCUMENT}) + "\n")
        write(self.sets / "harbor" / "queries.jsonl", json.dumps({"id": "q1", "text": QUESTION}) + "\n")
        write(self.sets / "harbor" / "qrels.tsv", "q1\td1\t1\n")
        write(self.sets / "requests" / "utterances.tsv", f"split\ttext\ntrain\t{UTTERANCE}\n")

    def pairs(self, **files: list[Pair]) -> pathlib.Path:
        """A folder with these files of pairs."""
        folder = self.folder / "pairs"
        folder.mkdir(exist_ok=True)
        for name, pairs in files.items():
            write_pairs(folder / f"{name}.tsv", pairs)
        return folder


def write(path: pathlib.Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def english(query: str, passage: str, kind: str = "head") -> Pair:
    return Pair(kind, "en", "en", query, passage)
