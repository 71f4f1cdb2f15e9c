"""sqlite-vec: a vec0 table in a file, by Euclidean distance (for unit vectors the same order), memory-mapped."""

from pathlib import Path

import apsw  # Python's own sqlite3 is often built without loading extensions
import numpy as np
import sqlite_vec

from serve import K, Peer, serve


class SqliteVec(Peer):
    version = f"{sqlite_vec.__version__}, SQLite {apsw.sqlite_lib_version()}"
    threaded = False

    def build(self, rows: np.ndarray, folder: Path) -> None:
        self.db = apsw.Connection(str(folder / "vec0.db"))
        self.db.enable_load_extension(True)
        self.db.load_extension(sqlite_vec.loadable_path())
        self.db.execute(
            f"""PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
            PRAGMA mmap_size = 4294967296;
            CREATE VIRTUAL TABLE vectors USING vec0(vector float[{rows.shape[1]}] distance_metric=L2);"""
        ).fetchall()
        with self.db:
            self.db.executemany(
                "INSERT INTO vectors (rowid, vector) VALUES (?, ?)",
                ((number, row.tobytes()) for number, row in enumerate(rows)),
            )

    def search(self, queries: np.ndarray) -> np.ndarray:
        sql = "SELECT rowid FROM vectors WHERE vector MATCH ? AND k = ? ORDER BY distance"
        found = [[row[0] for row in self.db.execute(sql, (query.tobytes(), K))] for query in queries]
        return np.array(found)


serve(SqliteVec())
