"""The measurements. Contenders take turns in each round: what else the machine does hits all alike."""

import math
import pathlib
import statistics
import time
from contextlib import ExitStack
from typing import Any

from process import Contender, Process
from texts import Texts

Figures = dict[str, Any]

ENTRIES = 10_000


def agreement(reference: Contender, others: list[Contender], texts: list[str]) -> dict[str, Figures]:
    """Of each contender's vectors with the reference's: the worst element and the worst angle."""

    def vectors(contender: Contender) -> list[list[float]]:
        with Process(contender, 1) as process:
            process.ask("load")
            rows: list[list[float]] = process.ask("documents", texts=texts, vectors=True)["vectors"]
            return rows

    expected = vectors(reference)
    return {contender.name: _compare(vectors(contender), expected) for contender in others}


def _compare(rows: list[list[float]], expected: list[list[float]]) -> Figures:
    pairs = list(zip(rows, expected, strict=True))
    return {
        "largest_difference": max(abs(x - y) for a, b in pairs for x, y in zip(a, b, strict=True)),
        "least_cosine": min(_dot(a, b) / math.sqrt(_dot(a, a) * _dot(b, b)) for a, b in pairs),
    }


def _dot(a: list[float], b: list[float]) -> float:
    return math.fsum(x * y for x, y in zip(a, b))


def cold(contenders: list[Contender], query: str, rounds: int) -> dict[str, Figures]:
    """From the start of a process to its first vector; and the model's part of that. One round more than
    counted, first, so that all files are in the page cache."""
    loads: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    firsts: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for turn in range(rounds + 1):
        for contender in contenders:
            with Process(contender, 1) as process:
                load = process.ask("load")["ms"]
                process.ask("queries", texts=[query])
                first = process.age_ms()
            if turn:
                loads[contender.name].append(load)
                firsts[contender.name].append(first)
    return {
        name: {"load_ms": statistics.median(loads[name]), "cold_ms": statistics.median(firsts[name])}
        for name in loads
    }


def speed(contenders: list[Contender], threads: int, texts: Texts, rounds: int) -> dict[str, Figures]:
    """Short queries one by one, passages of equal and of mixed length; the median over the rounds."""
    names = [contender.name for contender in contenders]
    seen: dict[str, dict[str, list[float]]] = {name: {} for name in names}
    with ExitStack() as stack:
        running = [stack.enter_context(Process(contender, threads)) for contender in contenders]
        for process in running:
            process.ask("load")
            process.ask("documents", texts=texts.passages[:8])
        for turn in range(rounds):
            # Another one begins each round.
            for process in running[turn % len(running) :] + running[: turn % len(running)]:
                # Pools spin for a while after work; the last one's must not take this one's core.
                time.sleep(0.2)
                for name, value in _turn(process, texts).items():
                    seen[process.name].setdefault(name, []).append(value)
    return {name: {key: statistics.median(values) for key, values in seen[name].items()} for name in names}


def _turn(process: Process, texts: Texts) -> dict[str, float]:
    queries = process.ask("queries", texts=texts.queries)["ms"]
    start = process.cpu_seconds()
    passages = process.ask("documents", texts=texts.passages)["ms"]
    cores = (process.cpu_seconds() - start) / passages * 1e3
    mixed = process.ask("documents", texts=texts.mixed)["ms"]
    return {
        "query_ms": statistics.median(queries),
        "passages_per_s": len(texts.passages) / passages * 1e3,
        "mixed_per_s": len(texts.mixed) / mixed * 1e3,
        "cores_used": cores,
    }


PASSAGES_OF_A_SEARCH = 20


def rerank(contenders: list[Contender], threads: int, texts: Texts, rounds: int) -> dict[str, Figures]:
    """Twenty passages of one length judged for a short query, as a search does it; the median over the rounds, and the
    largest difference of a score to the last contender's."""
    passages = texts.passages[:PASSAGES_OF_A_SEARCH]
    times: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    scores: dict[str, list[float]] = {}
    with ExitStack() as stack:
        running = [stack.enter_context(Process(contender, threads)) for contender in contenders]
        for process in running:
            process.ask("load")
            scores[process.name] = process.ask("rerank", query=texts.queries[0], texts=passages)["scores"]
        for turn in range(rounds):
            for process in running[turn % len(running) :] + running[: turn % len(running)]:
                time.sleep(0.2)
                asked = [process.ask("rerank", query=query, texts=passages)["ms"] for query in texts.queries[:5]]
                times[process.name].append(statistics.median(asked))
    expected = scores[contenders[-1].name]
    return {
        name: {
            "rerank_ms": statistics.median(seen),
            "largest_difference": max(abs(a - b) for a, b in zip(scores[name], expected, strict=True)),
        }
        for name, seen in times.items()
    }


def memory(contender: Contender, texts: list[str]) -> Figures:
    """Resident megabytes over three rounds of loading, use and unloading in one process."""
    with Process(contender, 1) as process:
        process.ask("hello")
        figures: Figures = {"before_mb": process.resident_mb(), "rounds": []}
        for _ in range(3):
            process.ask("load")
            loaded = process.resident_mb()
            process.ask("documents", texts=texts)
            used = process.resident_mb()
            process.ask("unload")
            figures["rounds"].append(
                {"loaded_mb": loaded, "used_mb": used, "unloaded_mb": process.resident_mb()}
            )
        return figures | {"peak_mb": process.peak_mb()}


def short_texts(contender: Contender, texts: list[str], rounds: int) -> Figures:
    """Texts of 12 words on one thread."""
    rates = []
    with Process(contender, 1) as process:
        process.ask("load")
        process.ask("documents", texts=texts)
        for _ in range(rounds):
            rates.append(len(texts) / process.ask("documents", texts=texts)["ms"] * 1e3)
    return {"short_texts_per_s": statistics.median(rates)}


def store(contender: Contender, file: pathlib.Path, titles: list[str], queries: list[str]) -> Figures:
    """A process that opens a file of 10,000 entries, loads the model by searching it, and lets it go."""
    if _entries(contender, file) != ENTRIES:
        for leftover in file.parent.glob(f"{file.name}*"):
            leftover.unlink()
        with Process(contender, 2) as process:
            process.ask("open", path=str(file))
            process.ask("remember", texts=titles[:ENTRIES])
    with Process(contender, 1) as process:
        process.ask("hello")
        before = process.resident_mb()
        process.ask("open", path=str(file))
        first = process.ask("recall", texts=queries[:1])["ms"]
        times = process.ask("recall", texts=queries)["ms"]
        used = process.resident_mb()
        process.ask("rest")
        return {
            "entries": ENTRIES,
            "first_search_ms": first[0],
            "search_ms": statistics.median(times),
            "before_mb": before,
            "used_mb": used,
            "peak_mb": process.peak_mb(),
            "at_rest_mb": process.resident_mb(),
        }


def _entries(contender: Contender, file: pathlib.Path) -> int:
    """How many a file of an earlier run holds; none if it is not there, or was not finished."""
    if not file.exists():
        return 0
    with Process(contender, 1) as process:
        return int(process.ask("open", path=str(file))["entries"])
