"""Which licenses of texts allow a model to be trained on them and given away.

Permissive licenses do, and so do those that demand the same license for a changed text: a model's weights are no text
from which the passages could be read back. Licenses that forbid commercial use do not, nor does the lack of one.
"""

import pathlib
import re
from typing import NamedTuple

ALLOWED = frozenset({
    "0BSD", "Apache-2.0", "Artistic-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC-BY-3.0", "CC-BY-4.0",
    "CC0-1.0", "ISC", "MIT", "MIT-0", "PSF-2.0", "Python-2.0", "PostgreSQL", "Unicode-3.0", "Unlicense", "Zlib",
    "blessing", "etalab-2.0",
    "CC-BY-SA-3.0", "CC-BY-SA-4.0",
    "GFDL-1.2-no-invariants-or-later", "GFDL-1.3-no-invariants-or-later",
    "GPL-1.0-or-later", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later",
    "GPL-2.0-with-classpath-exception", "LGPL-2.1-or-later", "LGPL-3.0-only", "MPL-2.0",
    # Many packages of Debian's `main` together, each under its own license. Guideline 6 of the distribution refuses
    # licenses that forbid a field of use, commercial use among them.
    "LicenseRef-Debian-main",
    "LicenseRef-WordNet-3.0",
    "LicenseRef-public-domain",
})  # fmt: skip


class Source(NamedTuple):
    """A line of a list of sources."""

    name: str
    origin: str
    license: str
    pairs: int


def allows(expression: str) -> bool:
    """Whether a license, or an expression of SPDX names with AND and OR (in that order of precedence), allows it."""
    alternatives = re.split(r"\s+OR\s+", expression.strip())
    return any(all(name.strip("() ") in ALLOWED for name in re.split(r"\s+AND\s+", part)) for part in alternatives)


def read_sources(paths: list[pathlib.Path]) -> dict[str, Source]:
    """Lists of sources by name: a heading, then name, origin, license and number of pairs."""
    sources = {}
    for path in paths:
        heading, *lines = path.read_text(encoding="utf-8").splitlines()
        if heading.split("\t") != list(Source._fields):
            raise ValueError(f"{path}: expected the columns {', '.join(Source._fields)}, got {heading!r}")
        for number, line in enumerate(lines, 2):
            columns = line.split("\t")
            if len(columns) != len(Source._fields):
                raise ValueError(f"{path}, line {number}: expected {len(Source._fields)} columns, got {len(columns)}")
            name, origin, license, pairs = columns
            sources[name] = Source(name, origin, license, int(pairs))
    return sources
