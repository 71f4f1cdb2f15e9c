"""hnswlib: HNSW, M 16, efConstruction 200, ef 80."""

from importlib.metadata import version
from pathlib import Path

import hnswlib
import numpy as np

from serve import K, Peer, serve


class Hnswlib(Peer):
    version = version("hnswlib")

    def build(self, rows: np.ndarray, folder: Path) -> None:
        self.index = hnswlib.Index("ip", rows.shape[1])
        self.index.init_index(len(rows), ef_construction=200, M=16)
        self.index.add_items(rows)
        self.index.set_ef(80)

    def set_threads(self, threads: int) -> None:
        self.index.set_num_threads(threads)

    def search(self, queries: np.ndarray) -> np.ndarray:
        return self.index.knn_query(queries, K)[0]

    def reload(self, folder: Path) -> bool:
        file = str(folder / "index.hnswlib")
        self.index.save_index(file)
        other = hnswlib.Index("ip", self.index.dim)
        self.time_reading(lambda: other.load_index(file))
        return True


serve(Hnswlib())
