"""A contender's process, seen from the driver."""

import json
import os
import pathlib
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# Thread pools are made at start-up, and each library reads another of these.
THREAD_VARIABLES = ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"]


@dataclass(frozen=True)
class Contender:
    """What takes part, and the command that runs it on so many threads."""

    name: str
    command: Callable[[int], list[str]]


class Process:
    """A running contender. Use as a context: it ends with it."""

    def __init__(self, contender: Contender, threads: int) -> None:
        self.name = contender.name
        environment = os.environ | {name: str(threads) for name in THREAD_VARIABLES}
        environment |= {
            "TOKENIZERS_PARALLELISM": "true" if threads > 1 else "false",
            "HF_HUB_OFFLINE": "1",
            "CUDA_VISIBLE_DEVICES": "",
        }
        self._started = time.perf_counter()
        self._process = subprocess.Popen(
            contender.command(threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            # A contender ends with its input, and closes its files.
            self._process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def ask(self, do: str, **question: Any) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout and self._process.stderr
        try:
            print(json.dumps({"do": do} | question), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            reason = self._process.stderr.read().strip().splitlines() or ["it said nothing"]
            raise SystemExit(f"{self.name} ended at {do!r}: {reason[-1]}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def age_ms(self) -> float:
        """Since the process was started."""
        return (time.perf_counter() - self._started) * 1e3

    def cpu_seconds(self) -> float:
        """Processor time of all its threads so far; hundredths of a second."""
        # The command's name, in parentheses, may hold anything.
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mb(self) -> float:
        return self._status("VmRSS")

    def peak_mb(self) -> float:
        return self._status("VmHWM")

    def _status(self, key: str) -> float:
        for line in self._proc("status").splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise SystemExit(f"no {key} in /proc: this benchmark needs Linux")

    def _proc(self, name: str) -> str:
        return pathlib.Path(f"/proc/{self._process.pid}/{name}").read_text()
