"""What all Python peers share: the JSON lines they obey, and how they are timed."""

import contextlib
import ctypes
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

K = 10
ROWS_BYTES = 4


class Peer:
    """One library under one setting. Subclasses say how it is filled and searched."""

    version = ""
    # Whether it can use more than one thread.
    threaded = True

    def build(self, rows: np.ndarray, folder: Path) -> None:
        raise NotImplementedError

    def search(self, queries: np.ndarray) -> np.ndarray:
        """The ids of the K nearest rows of each query (one, or several in one call), best first."""
        raise NotImplementedError

    def set_threads(self, threads: int) -> None:
        """Limits what no environment variable limits."""

    def reload(self, folder: Path) -> bool:
        """Saves itself and reads itself back; False if it has no saved form. Only reading is timed, by `timed`."""
        return False

    def timed(self) -> float:
        """The seconds `reload` took to read."""
        return self._seconds

    _seconds = 0.0

    def time_reading(self, read: Any) -> Any:
        started = time.perf_counter()
        result = read()
        self._seconds = time.perf_counter() - started
        return result


def read_vectors(source: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """The rows and the queries of a run."""
    dimensions = source["dimensions"]
    count = source["rows"] * dimensions
    rows = np.fromfile(source["vectors"], "<f4", count).reshape(-1, dimensions)
    queries = source["queries"] * dimensions
    with Path(source["vectors"]).open("rb") as file:
        file.seek(-queries * ROWS_BYTES, 2)
        return rows, np.fromfile(file, "<f4", queries).reshape(-1, dimensions)


def resident_bytes() -> int | None:
    """Bytes of memory that only this process holds and no file backs, once the allocator gave back what it could."""
    with contextlib.suppress(AttributeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    for line in status.splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return None


class Session:
    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.queries = np.empty((0, 0), "f4")
        # The batch to ask next.
        self.next = 0
        self.folder = Path()

    def build(self, input: dict[str, Any], folder: str, **_: Any) -> dict[str, Any]:
        self.folder = Path(folder)
        before = resident_bytes()
        rows, self.queries = read_vectors(input)
        started = time.perf_counter()
        self.peer.build(rows, self.folder)
        seconds = time.perf_counter() - started
        del rows
        now = resident_bytes()
        resident = None if before is None or now is None else max(0, now - before)
        return {
            "seconds": seconds,
            "resident_bytes": resident,
            "version": self.peer.version,
            "threaded": self.peer.threaded,
        }

    def search(self, batch: int, threads: int, seconds: float) -> dict[str, Any]:
        """Searches for about so many seconds; what is not counted is said in rekall/measure.rs."""
        self.peer.set_threads(threads)
        with threadpool_limits(limits=threads):
            return self._turn(batch, seconds)

    def _turn(self, batch: int, seconds: float) -> dict[str, Any]:
        def once() -> float:
            self.next = (self.next + 1) % (len(self.queries) // batch)
            queries = self.queries[self.next * batch : (self.next + 1) * batch]
            started = time.perf_counter()
            self.peer.search(queries)
            return time.perf_counter() - started

        started, cpu = time.perf_counter(), time.process_time()
        times = [once()]
        if times[0] <= seconds:
            times = []
            started, cpu = time.perf_counter(), time.process_time()
            while len(times) < 3 or time.perf_counter() - started < seconds:
                times.append(once())
        cores = (time.process_time() - cpu) / (time.perf_counter() - started)
        return {"ms": [second * 1e3 for second in times], "cores": cores}

    def ids(self) -> dict[str, Any]:
        found = [self.peer.search(self.queries[i : i + 1])[0] for i in range(len(self.queries))]
        return {"ids": [[int(i) for i in row] for row in found]}

    def reload(self) -> dict[str, Any] | None:
        return {"import": self.peer.timed()} if self.peer.reload(self.folder) else None

    def obey(self, command: dict[str, Any]) -> Any:
        do = command.pop("do")
        return getattr(self, do)(**command)


def serve(peer: Peer) -> None:
    """Obeys one command a line until the input ends."""
    session = Session(peer)
    for line in sys.stdin:
        try:
            answer = session.obey(json.loads(line))
        except Exception as error:  # told to the driver, which names the contender as failed
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
