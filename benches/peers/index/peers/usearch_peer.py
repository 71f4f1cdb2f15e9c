"""usearch, `exact` (brute force over a matrix) or `hnsw` (connectivity 16, expansion 128 and 80)."""

import sys
from pathlib import Path

import numpy as np
import usearch
from usearch.index import Index, MetricKind, search

from serve import K, Peer, serve


class Usearch(Peer):
    version = usearch.__version__
    threads = 1

    def __init__(self, kind: str) -> None:
        self.exact = kind == "exact"

    def build(self, rows: np.ndarray, folder: Path) -> None:
        if self.exact:
            self.rows = rows.copy()
            return
        self.index = Index(
            ndim=rows.shape[1],
            metric=MetricKind.IP,
            dtype="f32",
            connectivity=16,
            expansion_add=128,
            expansion_search=80,
        )
        self.index.add(np.arange(len(rows)), rows)

    def set_threads(self, threads: int) -> None:
        self.threads = threads

    def search(self, queries: np.ndarray) -> np.ndarray:
        if self.exact:
            found = search(self.rows, queries, K, MetricKind.IP, exact=True, threads=self.threads)
        else:
            found = self.index.search(queries, K, threads=self.threads)
        return np.asarray(found.keys).reshape(len(queries), -1)

    def reload(self, folder: Path) -> bool:
        if self.exact:
            return False
        file = str(folder / "index.usearch")
        self.index.save(file)
        self.time_reading(lambda: Index.restore(file))
        return True


serve(Usearch(sys.argv[1]))
