import gzip
import json
import pathlib
import tempfile
import unittest

import gather
import markup
import structured
from documents import MOST_WORDS, Document, Section, heading_query, pairs_of
from language import is_in
from licenses import allows
from pairs import Pair

GUIDE = """---
layout: page
---
# Keeping bees

Bees need flowers, water and a dry place, and they find all three in most gardens.

## Choosing a place for the hive

Put the hive where the [morning sun](sun.html) reaches it, and where **nobody** walks by.

```
## not a heading of the page, however long the line may be
```

| table | of | things | that | are | no | prose |

- A hive on a balcony needs a screen of plants, so that the bees fly over the neighbors.

## License

The text of this page may be used by everyone who keeps bees, or wants to keep some.
"""


def found(pairs) -> list[tuple[str, str, str]]:
    return [(pair.kind, pair.query, pair.passage) for pair in pairs]


class MarkupTest(unittest.TestCase):
    def test_markdown(self) -> None:
        place = "Choosing a place for the hive"
        expected = [
            ("Keeping bees", "Bees need flowers, water and a dry place, and they find all three in most gardens."),
            (place, "Put the hive where the morning sun reaches it, and where nobody walks by."),
            (place, "A hive on a balcony needs a screen of plants, so that the bees fly over the neighbors."),
            ("Keeping bees", "The text of this page may be used by everyone who keeps bees, or wants to keep some."),
        ]
        pairs = list(pairs_of(markup.markdown(GUIDE, "en")))
        self.assertEqual([(pair.query, pair.passage) for pair in pairs], expected)

    def test_restructured_text(self) -> None:
        text = (
            "Keeping bees\n============\n\n.. note:: Not read, because it is a directive with text of its own.\n\n"
            "Where bees live well\n--------------------\n\n"
            "Bees find what they need in :ref:`gardens <gardens>` and along `old railways <rail.html>`_ too::\n\n"
            "    code is left out, even when it is as long as this line\n"
        )
        expected = [("head", "Where bees live well", "Bees find what they need in gardens and along old railways too")]
        self.assertEqual(found(pairs_of(markup.rest(text, "en"))), expected)

    def test_synopses(self) -> None:
        source = (
            'def swarm(hive):\n    """Divide a crowded hive in two.\n\n'
            '    Half of the bees follow the old queen to a new place, the others stay.\n\n    Parameters\n    """\n'
            'def lone():\n    """Only one line."""\n'
        )
        passage = "Half of the bees follow the old queen to a new place, the others stay."
        self.assertEqual(found(markup.synopses(source, "en")), [("syn", "Divide a crowded hive in two.", passage)])
        self.assertEqual(found(markup.synopses("def broken(:", "en")), [])


class DocumentsTest(unittest.TestCase):
    def test_a_heading_that_says_little_follows_the_title(self) -> None:
        self.assertEqual(
            heading_query("Keeping bees", "How to keep them over a long winter"), "How to keep them over a long winter"
        )
        self.assertEqual(heading_query("Keeping bees", "Winter"), "Keeping bees: Winter")
        self.assertEqual(heading_query("Keeping bees", "Introduction"), "Keeping bees")
        self.assertEqual(heading_query("", "Winter"), "Winter")

    def test_questions_and_long_passages(self) -> None:
        long = "word " * 300
        (pair,) = pairs_of(Document("en", "Who keeps the bees?", sections=[Section("", [long])]))
        self.assertEqual((pair.kind, pair.query, len(pair.passage.split())), ("qa", "Who keeps the bees?", MOST_WORDS))

    def test_a_sentence_asks_for_the_rest(self) -> None:
        text = (
            "Bees collect nectar from April on. They bring it to the hive before the evening. "
            "There it becomes honey for the winter."
        )
        pairs = [
            pair for pair in pairs_of(Document("en", "Bees", sections=[Section("", [text] * 4)])) if pair.kind == "icl"
        ]
        self.assertEqual([pair.query for pair in pairs], ["They bring it to the hive before the evening."])
        self.assertNotIn(pairs[0].query, pairs[0].passage)

    def test_languages(self) -> None:
        french = "Les abeilles trouvent ce qu'il faut dans la plupart des jardins, et elles y passent l'hiver."
        english = "The bees find what they need in most of the gardens, and they stay there for the winter."
        other = "Die Bienen finden in den meisten Gärten, was sie brauchen, und bleiben dort im Winter."
        self.assertEqual(
            [is_in(language, text) for text in (french, english, other) for language in ("fr", "en")],
            [True, False, False, True, False, False],
        )


class StructuredTest(unittest.TestCase):
    def test_sheets(self) -> None:
        def element(name: str, *children: object) -> dict:
            texts = ({"type": "text", "text": child} if isinstance(child, str) else child for child in children)
            return {"type": "element", "name": name, "children": list(texts)}

        tree = element(
            "Publication",
            element("dc:title", "Peut-on installer une ruche dans son jardin ?"),
            element(
                "OuSAdresser",
                element("Titre", "Mairie"),
                element("Paragraphe", "L'adresse de la mairie de votre commune, ouverte le matin."),
            ),
            element(
                "Texte",
                element(
                    "Paragraphe",
                    "Oui, à condition de respecter une ",
                    element("MiseEnEvidence", "distance"),
                    " avec la propriété voisine.",
                ),
            ),
        )
        passage = "Oui, à condition de respecter une distance avec la propriété voisine."
        files = [("package/data/particuliers/F1.json", json.dumps(tree).encode()), ("package/package.json", b"{}")]
        expected = [("qa", "Peut-on installer une ruche dans son jardin ?", passage)]
        self.assertEqual(found(structured.sheets(iter(files), "fr")), expected)

    def test_rules_in_two_languages(self) -> None:
        rule = {
            "titre": "chauffage au bois",
            "description": "Le bois chauffe sans carbone fossile si la forêt repousse.",
        }
        translation = {
            "titre": "wood heating",
            "description": "Wood heats without fossil carbon if the forest grows again.",
        }
        models = {"fr": rule, "en": translation}
        files = [
            (f"package/public/co2-model.FR-lang.{language}.json", json.dumps({"bois": model}).encode())
            for language, model in models.items()
        ]
        kinds = [
            (pair.kind, pair.query_language, pair.passage_language) for pair in structured.rules(iter(files), "fr")
        ]
        self.assertEqual(kinds, [("head", "fr", "fr"), ("head", "en", "en"), ("par", "fr", "en"), ("par", "fr", "en")])

    def test_dictionary(self) -> None:
        lines = "ruche\tAbri où vivent les abeilles domestiques. | Mot court.\nvide\t\n"
        files = [("data/glosses.txt.gz", gzip.compress(lines.encode()))]
        expected = [Pair("def", "fr", "fr", "ruche", "Abri où vivent les abeilles domestiques.")]
        self.assertEqual(list(structured.dictionary(iter(files), "fr")), expected)

    def test_dialogs(self) -> None:
        text = "conversations:\n- - Where do bees sleep?\n  - In the hive.\n  - Some sleep in flowers.\n"
        expected = [
            ("qa", "Where do bees sleep?", "In the hive."),
            ("qa", "Where do bees sleep?", "Some sleep in flowers."),
        ]
        self.assertEqual(found(structured.dialogs(iter([("data/english/bees.yml", text.encode())]), "en")), expected)


class PackagesTest(unittest.TestCase):
    def test_the_list(self) -> None:
        packages = gather.read_packages(gather.HERE / "packages.tsv")
        self.assertEqual(len({package.source for package in packages}), len(packages))
        self.assertEqual([package.name for package in packages if not allows(package.license)], [])

    def test_an_unknown_form_is_refused(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "packages.tsv")
            path.write_text(
                "\t".join(gather.Package._fields) + "\nnpm\tbees\t1.0.0\ten\tpoems\tMIT\n", encoding="utf-8"
            )
            with self.assertRaisesRegex(ValueError, "bees: expected a form of documentation, .*, got 'poems'"):
                gather.read_packages(path)
