import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest

from measure import RETRIEVAL
from quality import SENTENCES, Product, print_tables

# Prints as `evaluate` does: words reach 0.5, meaning 0.6 if the questions' language is given, hybrid the same + 0.1.
EVALUATE = """#!{python}
import json, sys
options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
for option in ("--docs", "--queries", "--qrels"):
    open(options[option]).close()
meaning = 0.6 if "--lang" in options else 0.2
modes = {{"text": 0.5, "semantic": meaning, "hybrid": meaning + 0.1}}
print(json.dumps({{mode: {{"ndcg@10": figure}} for mode, figure in modes.items()}}))
"""

# Prints as `embed_texts` does: a text's vector is (1, number of its letters a).
EMBEDDER = """#!{python}
import struct, sys
for line in sys.stdin:
    sys.stdout.buffer.write(struct.pack("<2f", 1, line.count("a")))
"""


class QualityTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for _, name, judgments, *_ in RETRIEVAL:
            self.write(f"sets/{name}/docs.jsonl", json.dumps({"id": "d", "text": "text", "lang": "en"}) + "\n")
            self.write(f"sets/{name}/queries.jsonl", json.dumps({"id": "q", "text": "text", "lang": "en"}) + "\n")
            self.write(f"sets/{name}/{judgments}", "q\td\t1\n")

    def write(self, name: str, text: str) -> pathlib.Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def program(self, name: str, text: str) -> pathlib.Path:
        path = self.write(name, text.format(python=sys.executable))
        path.chmod(0o755)
        return path

    def measured(self, english: bool = False) -> dict[str, dict[str, float]]:
        evaluate, embedder = self.program("evaluate", EVALUATE), self.program("embedder", EMBEDDER)
        product = Product(self.folder / "sets", evaluate, embedder)
        return {name: measure() for name, measure in product.measures("bundled", english)}

    def test_searches_by_set_and_language(self) -> None:
        figures = self.measured()
        self.assertEqual(list(figures), [name for name, *_ in RETRIEVAL])
        self.assertAlmostEqual(figures["pydoc"]["semantic"], 20)
        self.assertAlmostEqual(figures["fr-by-en"]["semantic"], 60)
        self.assertAlmostEqual(figures["fr-by-en"]["hybrid"], 70)
        self.assertEqual(list(self.measured(english=True)), ["pydoc", "xquad-en", "debdoc-en"])

    def test_vectors_of_translations(self) -> None:
        heading, rows = "id\tdocument\ten\tfr", ("0\td\taa\ta a", "1\td\taaaa\taaaa", "2\td\tb\tc")
        self.write("sets/ntrex-enfr/pairs.tsv", "\n".join([heading, *rows]) + "\n")
        self.assertEqual(self.measured()["ntrex"], {"semantic": 100.0})
        self.assertNotIn("ntrex", self.measured(english=True))

    def test_tables(self) -> None:
        searches = {name: {"text": 40, "semantic": 25.84, "hybrid": 41.5} for name, *_ in RETRIEVAL}
        sentences = {name: {"semantic": 85.02} for name in SENTENCES}
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            print_tables({"new": searches | sentences, "English": {"pydoc": searches["pydoc"]}})
        lines = printed.getvalue().splitlines()
        self.assertEqual(lines[0], "| set | words | new | English |")
        self.assertEqual(lines[2], "| pydoc | 40.0 | 25.8 / 41.5 | 25.8 / 41.5 |")
        self.assertIn("| xquad-en | 40.0 | 25.8 / 41.5 | – |", lines)
        self.assertIn("| sts-en | 85.0 | – |", lines)
