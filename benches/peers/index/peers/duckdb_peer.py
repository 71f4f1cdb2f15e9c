"""DuckDB: array_negative_inner_product over a table in a file, without an index."""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow

from serve import K, Peer, serve


class DuckDb(Peer):
    version = duckdb.__version__

    def build(self, rows: np.ndarray, folder: Path) -> None:
        self.dimensions = rows.shape[1]
        vectors = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(rows.ravel()), self.dimensions)
        table = pyarrow.table({"id": np.arange(len(rows)), "vector": vectors})
        self.db = duckdb.connect(str(folder / "vectors.duckdb"))
        self.db.register("incoming", table)
        self.db.execute(f"CREATE TABLE vectors (id BIGINT, vector FLOAT[{self.dimensions}])")
        self.db.execute("INSERT INTO vectors SELECT id, vector FROM incoming")
        self.db.unregister("incoming")
        self.db.execute("CHECKPOINT")

    def set_threads(self, threads: int) -> None:
        self.db.execute(f"SET threads = {threads}")

    def search(self, queries: np.ndarray) -> np.ndarray:
        sql = (
            f"SELECT id FROM vectors ORDER BY array_negative_inner_product(vector, ?::FLOAT[{self.dimensions}]), id"
            f" LIMIT {K}"
        )
        return np.array([[row[0] for row in self.db.execute(sql, [q.tolist()]).fetchall()] for q in queries])


serve(DuckDb())
