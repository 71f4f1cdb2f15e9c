"""FAISS, `flat` (IndexFlatIP), `sq8` (IndexScalarQuantizer) or `hnsw` (IndexHNSWFlat, M 16, efConstruction 128, efSearch 80)."""

import sys
from pathlib import Path

import faiss
import numpy as np

from serve import K, Peer, serve

# By its default batches below 128,000 × something are computed without BLAS, five times slower.
faiss.cvar.distance_compute_blas_threshold = 20


class Faiss(Peer):
    version = f"{faiss.__version__} ({faiss.get_compile_options().strip()})"

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def build(self, rows: np.ndarray, folder: Path) -> None:
        dimensions = rows.shape[1]
        metric = faiss.METRIC_INNER_PRODUCT
        if self.kind == "hnsw":
            self.index = faiss.IndexHNSWFlat(dimensions, 16, metric)
            self.index.hnsw.efConstruction = 128
            self.index.hnsw.efSearch = 80
        elif self.kind == "sq8":
            self.index = faiss.IndexScalarQuantizer(dimensions, faiss.ScalarQuantizer.QT_8bit, metric)
            self.index.train(rows)
        else:
            self.index = faiss.IndexFlatIP(dimensions)
        self.index.add(rows)

    def set_threads(self, threads: int) -> None:
        faiss.omp_set_num_threads(threads)

    def search(self, queries: np.ndarray) -> np.ndarray:
        return self.index.search(queries, K)[1]

    def reload(self, folder: Path) -> bool:
        file = str(folder / "index.faiss")
        faiss.write_index(self.index, file)
        self.time_reading(lambda: faiss.read_index(file))
        return True


serve(Faiss(sys.argv[1]))
