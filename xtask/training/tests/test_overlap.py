import contextlib
import io
import sys
from unittest import mock

import overlap
from judged import BLOCK, RUN, JudgedTexts, read_judged
from pairs import words

from tests.folders import DOCUMENT, QUESTION, UTTERANCE, FolderTest, english


class JudgedTextsTest(FolderTest):
    def setUp(self) -> None:
        super().setUp()
        self.judged = read_judged(self.sets)

    def place(self, text: str) -> str | None:
        return self.judged.overlap(words(text))

    def test_a_run_is_found_wherever_it_begins(self) -> None:
        document = words(DOCUMENT)
        for start in range(len(document) - RUN + 1):
            for before in range(2 * BLOCK):
                text = ["other"] * before + document[start : start + RUN] + ["words"]
                self.assertEqual(self.judged.overlap(text), "harbor/docs.jsonl:1", text)

    def test_a_shorter_run_is_none(self) -> None:
        document = words(DOCUMENT)
        for start in range(len(document) - RUN + 2):
            text = ["other", *document[start : start + RUN - 1], "words"]
            self.assertIsNone(self.judged.overlap(text), text)

    def test_case_and_punctuation_make_no_difference(self) -> None:
        self.assertEqual(self.place("Note: " + DOCUMENT.upper().replace(",", " –")), "harbor/docs.jsonl:1")

    def test_a_text_of_a_few_words_counts_when_it_is_equal(self) -> None:
        self.assertEqual(self.place(QUESTION.lower().rstrip("?")), "harbor/queries.jsonl:1")
        self.assertEqual(self.place(UTTERANCE), "requests/utterances.tsv:2")
        self.assertIsNone(self.place(f"{UTTERANCE} again"))

    def test_a_heading_of_a_table_and_judgments_are_no_texts(self) -> None:
        for text in ("text", "split", "q1", "d1", ""):
            self.assertIsNone(self.place(text), text)

    def test_a_folder_without_texts_is_refused(self) -> None:
        empty = self.folder / "empty"
        empty.mkdir()
        with self.assertRaisesRegex(ValueError, "expected folders of judged sets"):
            read_judged(empty)

    def test_texts_without_words_are_not_equal(self) -> None:
        self.assertIsNone(JudgedTexts(iter([("empty", "…")])).overlap([]))


class CheckTest(FolderTest):
    def run_check(self, **files: list) -> tuple[int, str]:
        arguments = ["overlap.py", str(self.pairs(**files)), "--sets", str(self.sets)]
        printed = io.StringIO()
        quiet = contextlib.redirect_stderr(io.StringIO())
        with mock.patch.object(sys, "argv", arguments), contextlib.redirect_stdout(printed), quiet:
            return overlap.main(), printed.getvalue()

    def test_pairs_of_ones_own_pass(self) -> None:
        pairs = [english("Who keeps bees?", "Beekeepers keep bees, for their honey and for the orchards around.")]
        self.assertEqual(self.run_check(own=pairs), (0, ""))

    def test_an_overlap_on_either_side_is_listed(self) -> None:
        fine = english("Who keeps bees?", "Beekeepers keep bees, for their honey and for the orchards around.")
        passage = english("lighthouse", f"A story begins like this. {DOCUMENT}")
        query = english(UTTERANCE, "They need a can of water each morning in summer.")
        status, printed = self.run_check(first=[fine, passage], second=[query])
        self.assertEqual(status, 1)
        places = [line.split("\t")[:2] for line in printed.splitlines()]
        expected = [["first.tsv:2", "harbor/docs.jsonl:1"], ["second.tsv:1", "requests/utterances.tsv:2"]]
        self.assertEqual(places, expected)
