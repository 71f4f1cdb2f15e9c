"""Who takes part, and the processes they run in."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Contender:
    """A library under one setting; `program` is a Python peer and its arguments, or nothing for rekall's `kind`."""

    name: str
    kind: str = ""
    program: tuple[str, ...] = ()
    # Promises the true nearest rows; computes with f32 rows alone (what rekall's ratios are to).
    exact: bool = True
    plain_f32: bool = False
    # Beyond so many rows it takes too long to build, in a quick run and in a full one.
    most_quick: int = 1_000_000
    most: int = 1_000_000

    @property
    def ours(self) -> bool:
        return bool(self.kind)


LIMIT = Contender("read limit", kind="read")

CONTENDERS = (
    LIMIT,
    Contender("numpy", program=("numpy_peer",), plain_f32=True),
    Contender("faiss flat", program=("faiss_peer", "flat"), plain_f32=True),
    Contender("usearch exact", program=("usearch_peer", "exact"), plain_f32=True),
    Contender("sqlite-vec", program=("sqlite_vec_peer",)),
    Contender("duckdb", program=("duckdb_peer",)),
    Contender("faiss sq8", program=("faiss_peer", "sq8"), exact=False),
    Contender("faiss hnsw", program=("faiss_peer", "hnsw"), exact=False, most_quick=10_000, most=100_000),
    Contender("usearch hnsw", program=("usearch_peer", "hnsw"), exact=False, most_quick=10_000, most=100_000),
    Contender("hnswlib", program=("hnswlib_peer",), exact=False, most_quick=10_000, most=100_000),
    Contender("rekall flat", kind="flat"),
    Contender("rekall sq8", kind="sq8"),
    Contender("rekall sq8, SQLite", kind="sq8-sqlite"),
    Contender("rekall sq8 stream", kind="sq8-stream"),
    Contender("rekall binary", kind="binary", exact=False),
    Contender("rekall vec0", kind="vec0", most=100_000),
)


class Failed(Exception):
    """A contender could not start, or said no."""


# What keeps the peers to AVX2, as `--simd avx2` keeps rekall.
AVX2_ONLY = {
    "OPENBLAS_CORETYPE": "Haswell",
    "FAISS_OPT_LEVEL": "AVX2",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
}


@dataclass
class Setting:
    """What a run has in common."""

    rekall: Path
    python: Path
    work: Path
    simd: str
    threads: list[int]

    def environment(self) -> dict[str, str]:
        most = str(max(self.threads))
        limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), most)
        return {**os.environ, **limits, **(AVX2_ONLY if self.simd == "avx2" else {})}


@dataclass
class Running:
    """A contender's process. It waits on its input, without work, whenever it is not asked."""

    contender: Contender
    setting: Setting
    label: str = ""
    built: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        name = (self.label or self.contender.name).replace(" ", "-").replace(",", "")
        self.folder = self.setting.work / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.errors = (self.folder / "stderr").open("w+b")
        peers = HERE / "peers"
        if self.contender.ours:
            command = [str(self.setting.rekall), self.setting.simd]
        else:
            script, *arguments = self.contender.program
            command = [str(self.setting.python), str(peers / f"{script}.py"), *arguments]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=self.setting.environment(),
        )

    def ask(self, do: str, **arguments: Any) -> Any:
        assert self.process.stdin and self.process.stdout
        try:
            self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.errors.seek(0)
            said = self.errors.read().decode(errors="replace").strip().splitlines()
            raise Failed(said[-1] if said else f"ended with {self.process.wait()}")
        answer = json.loads(line)
        if isinstance(answer, dict) and "error" in answer:
            raise Failed(answer["error"])
        return answer

    def build(self, source: dict[str, Any]) -> None:
        kind = {"kind": self.contender.kind} if self.contender.ours else {}
        self.built = self.ask("build", input=source, folder=str(self.folder), **kind)

    def end(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()
        self.errors.close()
        shutil.rmtree(self.folder, ignore_errors=True)
