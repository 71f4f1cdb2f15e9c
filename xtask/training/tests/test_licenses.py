import pathlib
import tempfile
import unittest

from licenses import allows, read_sources

FOLDER = pathlib.Path(__file__).parent.parent


class LicensesTest(unittest.TestCase):
    def test_expressions(self) -> None:
        for expression in (
            "MIT",
            "MIT OR Apache-2.0",
            "CC-BY-4.0 AND MIT",
            "CC-BY-NC-4.0 OR MIT",
            "(MIT AND ISC) OR X",
        ):
            self.assertTrue(allows(expression), expression)
        for expression in ("", "CC-BY-NC-4.0", "CC-BY-ND-4.0", "MIT AND CC-BY-NC-4.0", "none found", "X OR Y"):
            self.assertFalse(allows(expression), expression)

    def test_every_source_of_the_recipe_is_allowed(self) -> None:
        sources = read_sources([FOLDER / "sources.tsv"])
        lines = (FOLDER / "sources.tsv").read_text(encoding="utf-8").splitlines()
        self.assertEqual(len(sources), len(lines) - 1, "a name stands there twice")
        self.assertEqual([source.name for source in sources.values() if not allows(source.license)], [])

    def test_a_list_in_another_form_is_refused(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "sources.tsv")
            path.write_text("name\tlicense\nown\tMIT\n", encoding="utf-8")
            with self.assertRaisesRegex(ValueError, "expected the columns name, origin, license, pairs"):
                read_sources([path])
