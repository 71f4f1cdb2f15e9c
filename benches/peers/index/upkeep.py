"""What only rekall is asked: history, freshness, cancelling, and the first answer of a new process."""

import statistics
from typing import Any

from case import Pace, asked_alone, progress
from contenders import Contender, Running, Setting

CHANGES = 100_000


def history(kind: str, source: dict[str, Any], setting: Setting, pace: Pace) -> dict[str, Any]:
    """An index after many changes beside a fresh one with the same rows, in turns."""
    progress(f"history of {kind}")
    contender = Contender(kind, kind=kind)
    fresh, worn = (Running(contender, setting, label) for label in ("fresh", "worn"))
    fresh.build(source)
    worn.build(source)
    changed = worn.ask("wear", changes=CHANGES)
    turns: dict[str, list[float]] = {"fresh": [], "worn": []}
    for _ in range(pace.rounds):
        for label, process in (("fresh", fresh), ("worn", worn)):
            answer = process.ask("search", batch=1, threads=1, seconds=pace.seconds)
            turns[label].append(statistics.median(answer["ms"]))
    freshness = worn.ask("freshness")
    fresh.end()
    worn.end()
    medians = {label: statistics.median(times) for label, times in turns.items()}
    return {
        "changes": CHANGES,
        "search_ms": medians,
        "search_ratio": medians["worn"] / medians["fresh"],
        "own_bytes_ratio": changed["own_bytes"] / fresh.built["own_bytes"],
        "grown_bytes": changed["grown_bytes"],
        **freshness,
    }


def cancelling(kind: str, source: dict[str, Any], setting: Setting) -> dict[str, Any]:
    progress(f"cancelling {kind}")
    process = Running(Contender(kind, kind=kind), setting)
    process.build(source)
    latencies = {f"batch of {batch}": process.ask("cancel", batch=batch) for batch in (1, 32)}
    process.end()
    return latencies


def cold_start(source: dict[str, Any], setting: Setting) -> dict[str, float]:
    """Milliseconds from a new process's first line; the file is in the system's cache."""
    progress("cold start")
    kept = Running(Contender("kept", kind="sq8-sqlite"), setting)
    kept.build(source)
    answers = [asked_alone(setting, "cold", input=source, folder=str(kept.folder)) for _ in range(7)]
    kept.end()
    steps = ("opened", "imported", "answered")
    return {step: statistics.median(answer[step] for answer in answers) * 1e3 for step in steps}
