"""One case: the same vectors through every contender, in turns."""

import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from contenders import CONTENDERS, Contender, Failed, Running, Setting

K = 10
# A turn that takes longer than this many seconds is given to its contender only so often.
SLOW_SECONDS, SLOW_TURNS = 1.0, 2


@dataclass(frozen=True)
class Pace:
    """How long to measure."""

    rounds: int
    seconds: float
    quick: bool


@dataclass
class Result:
    """What was found out about one contender in one case."""

    name: str
    ours: bool
    exact: bool
    plain_f32: bool
    build: dict[str, Any]
    # By (threads, batch), written "1x32": the median of each turn, in milliseconds.
    turns: dict[str, list[float]] = field(default_factory=dict)
    cores: dict[str, float] = field(default_factory=dict)
    recall: float | None = None
    same_ids: bool | None = None
    rescored_rows: float | None = None
    load: dict[str, float] | None = None

    def ms(self, axis: str) -> float | None:
        turns = self.turns.get(axis)
        return statistics.median(turns) if turns else None


def run(source: dict[str, Any], setting: Setting, pace: Pace, only: list[str], missing: dict[str, str]) -> list[Result]:
    """Builds all contenders, times them in turns, and compares what they find with brute force in f64."""
    running: list[tuple[Running, Result]] = []
    for contender in CONTENDERS:
        if wanted(contender, source["rows"], pace.quick, only) and contender.name not in missing:
            start(contender, source, setting, running, missing)
    for round_number in range(pace.rounds):
        progress(f"round {round_number + 1} of {pace.rounds}")
        for threads in setting.threads:
            for batch in (1, 32):
                for process, result in running:
                    turn(process, result, threads, batch, pace)
    truth = asked_alone(setting, "truth", input=source)["ids"]
    for process, result in running:
        progress(f"what {result.name} finds")
        if result.name != "read limit":
            compare(result, process.ask("ids"), truth)
        result.load = process.ask("reload")
        process.end()
    return [result for _, result in running]


def wanted(contender: Contender, rows: int, quick: bool, only: list[str]) -> bool:
    named = not only or contender.name in only or contender.kind == "read"
    return named and rows <= (contender.most_quick if quick else contender.most)


def start(
    contender: Contender,
    source: dict[str, Any],
    setting: Setting,
    running: list[tuple[Running, Result]],
    missing: dict[str, str],
) -> None:
    progress(f"building {contender.name}")
    process = Running(contender, setting)
    try:
        process.build(source)
    except Failed as error:
        missing[contender.name] = str(error)
        process.end()
        return
    result = Result(contender.name, contender.ours, contender.exact, contender.plain_f32, process.built)
    running.append((process, result))


def turn(process: Running, result: Result, threads: int, batch: int, pace: Pace) -> None:
    axis = f"{threads}x{batch}"
    if threads > 1 and not process.built.get("threaded", True):
        return
    turns = result.turns.setdefault(axis, [])
    if len(turns) >= SLOW_TURNS and statistics.median(turns) > SLOW_SECONDS * 1e3:
        return
    # What the contender before still had running may come to rest.
    time.sleep(0.005)
    answer = process.ask("search", batch=batch, threads=threads, seconds=pace.seconds)
    turns.append(statistics.median(answer["ms"]))
    result.cores[axis] = max(result.cores.get(axis, 0.0), answer["cores"])


def compare(result: Result, answer: dict[str, Any], truth: list[list[int]]) -> None:
    found = answer["ids"]
    hits = sum(len(set(ids) & set(due)) for ids, due in zip(found, truth, strict=True))
    result.recall = hits / sum(len(due) for due in truth)
    result.same_ids = found == truth
    result.rescored_rows = answer.get("rescored_rows")


def asked_alone(setting: Setting, do: str, **arguments: Any) -> Any:
    """Asks a process of rekall's that does only this."""
    process = Running(Contender(do, kind=do), setting)
    try:
        return process.ask(do, **arguments)
    finally:
        process.end()


def progress(what: str) -> None:
    """One line on a terminal, overwritten by the next."""
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)
