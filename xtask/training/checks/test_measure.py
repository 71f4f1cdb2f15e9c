import json
import pathlib
import tempfile
import unittest

import numpy as np

from bags import Bags
from measure import Retrieval, ranks


class Words:
    """A tokenizer for which a text is one number."""

    def bags(self, texts) -> Bags:
        return Bags.of([int(text)] for text in texts)


class RetrievalTest(unittest.TestCase):
    def test_gain_falls_with_the_rank(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            documents = [{"id": f"d{i}", "text": str(i)} for i in range(3)]
            (folder / "docs.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in documents))
            (folder / "queries.jsonl").write_text(json.dumps({"id": "q", "text": "3"}) + "\n")
            (folder / "qrels.tsv").write_text("q\td1\t1\nq\td2\t0\n")
            retrieval = Retrieval(folder, "qrels.tsv", None, None, Words())
        # The query is nearest to document 0, and document 1 comes second.
        vectors = np.array([[1, 0], [1, 1], [0, 1], [1, 0.1]])
        figure = retrieval.figure(lambda bags: vectors[bags.ids])
        self.assertAlmostEqual(figure, 1 / np.log2(3))


class Ranks(unittest.TestCase):
    def test_equal_values_share_their_mean_rank(self) -> None:
        self.assertEqual(ranks(np.array([5.0, 1.0, 5.0, 7.0])).tolist(), [2.5, 1, 2.5, 4])
