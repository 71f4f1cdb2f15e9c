import contextlib
import io
import shutil

from clean import PASSAGES_OF_A_QUERY, clean
from judged import read_judged
from licenses import Source
from overlap import overlaps
from pairs import Pair, read_pairs

from tests.folders import DOCUMENT, QUESTION, FolderTest, english

BEES = english("Who keeps bees?", "Beekeepers keep bees, for their honey and for the orchards around.")


class CleanTest(FolderTest):
    def clean(self, licenses: dict[str, str] | None = None, **files: list[Pair]) -> dict:
        licenses = dict.fromkeys(files, "MIT") if licenses is None else licenses
        sources = {name: Source(name, "written for the test", license, 0) for name, license in licenses.items()}
        quiet = contextlib.redirect_stdout(io.StringIO())
        with quiet, contextlib.redirect_stderr(io.StringIO()):
            return clean([self.pairs(**files)], self.folder / "out", read_judged(self.sets), sources)

    def kept(self, name: str) -> list[Pair]:
        return list(read_pairs(self.folder / "out" / f"{name}.tsv"))

    def test_what_is_left_out(self) -> None:
        good = english("Beekeeping", "Hives stand where the morning sun reaches them early.")
        report = self.clean(
            own=[
                good,
                english("Beekeeping", "Short one."),
                english("?", "Hives stand where the sun reaches them at noon."),
                english("Hives stand in the sun.", "hives stand, in the sun"),
                english("beekeeping!", "Hives stand where the morning sun reaches them early"),
                english("Story", DOCUMENT),
                english(QUESTION, "Every ship, with flag and course, except on stormy nights."),
            ]
        )
        self.assertEqual(self.kept("own"), [good])
        expected = {"kept": 1, "short": 2, "equal sides": 1, "duplicate": 1, "judged": 2}
        self.assertEqual(report["total"], expected)
        self.assertEqual(report["overlaps"], {"harbor": 2})
        self.assertEqual(list(overlaps(self.folder / "out", read_judged(self.sets))), [])

    def test_words_and_translations_may_be_short(self) -> None:
        pairs = [Pair("par", "fr", "en", "phare", "lighthouse"), Pair("def", "en", "en", "hive", "home of bees")]
        self.clean(own=pairs)
        self.assertEqual(self.kept("own"), pairs)

    def test_a_duplicate_in_another_file_is_one_too(self) -> None:
        self.clean(first=[BEES], second=[BEES])
        self.assertEqual((self.kept("first"), self.kept("second")), ([BEES], []))

    def test_a_query_has_a_few_passages(self) -> None:
        crowd = [english("Who keeps bees?", f"Answer {number} names another keeper.") for number in range(20)]
        self.clean(own=crowd)
        self.assertEqual(self.kept("own"), crowd[:PASSAGES_OF_A_QUERY])

    def test_without_a_license_that_allows_it_nothing_is_read(self) -> None:
        licenses = {"first": "MIT", "second": "CC-BY-NC-SA-4.0"}
        report = self.clean(licenses, first=[BEES], second=[BEES], third=[BEES])
        self.assertEqual(list(report["files"]), ["first"])
        self.assertEqual(list(report["refused"]), ["second", "third"])
        self.assertIn("CC-BY-NC-SA-4.0", report["refused"]["second"])

    def test_an_earlier_result_does_not_remain(self) -> None:
        self.clean(first=[BEES])
        (self.folder / "pairs" / "first.tsv").unlink()
        self.clean(second=[BEES])
        self.assertEqual([path.name for path in (self.folder / "out").iterdir()], ["second.tsv"])

    def test_the_pairs_are_not_overwritten(self) -> None:
        folder = self.pairs(own=[BEES])
        with self.assertRaisesRegex(ValueError, "folder of their own"):
            clean([folder], folder, read_judged(self.sets), {})
        self.assertEqual(list(read_pairs(folder / "own.tsv")), [BEES])

    def test_one_source_in_two_folders_is_refused(self) -> None:
        folder = self.pairs(own=[BEES])
        other = self.folder / "other"
        shutil.copytree(folder, other)
        with self.assertRaisesRegex(ValueError, "own.tsv: the same source as"):
            clean([folder, other], self.folder / "out", read_judged(self.sets), {})

    def test_a_line_that_is_no_pair_is_named(self) -> None:
        (self.pairs() / "own.tsv").write_text("head\ten\tonly three columns\n", encoding="utf-8")
        with self.assertRaisesRegex(ValueError, "own.tsv, line 1: expected 5 columns, got 3"):
            self.clean({"own": "MIT"})
