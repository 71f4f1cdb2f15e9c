"""A peer's side of the benchmark: one JSON question a line in, one JSON answer a line out.

What is timed is timed here, so that the way to the driver and back does not count; memory and processor time
the driver reads from outside. `rekall.rs` is the same for rekall.
"""

import json
import sys
import time
from typing import Any, Protocol

BATCH = 32

Vectors = list[list[float]]


class Contender(Protocol):
    """What a peer has to offer. Vectors have length 1."""

    versions: dict[str, str]

    def load(self) -> None: ...

    def unload(self) -> None: ...

    def documents(self, texts: list[str]) -> Vectors:
        """Rows in the order of the texts, whatever order they are computed in."""
        ...

    def scores(self, query: str, passages: list[str]) -> list[float]:
        """How well each passage answers the query; of a reranker alone."""
        raise NotImplementedError("a model of vectors judges no pairs")


def longest_first(texts: list[str]) -> list[list[int]]:
    """Batches of positions, as sentence-transformers makes them: of like length, so little is padding."""
    order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
    return [order[i : i + BATCH] for i in range(0, len(order), BATCH)]


def milliseconds(start: float) -> float:
    return (time.perf_counter() - start) * 1e3


def answer(contender: Contender, question: dict[str, Any]) -> dict[str, Any]:
    start = time.perf_counter()
    match question["do"]:
        case "hello":
            return {"versions": contender.versions}
        case "load":
            contender.load()
            return {"ms": milliseconds(start)}
        case "unload":
            contender.unload()
            return {}
        case "queries":
            times = []
            for text in question["texts"]:
                start = time.perf_counter()
                contender.documents([text])
                times.append(milliseconds(start))
            return {"ms": times}
        case "documents":
            rows = contender.documents(question["texts"])
            ms = milliseconds(start)
            return {"ms": ms, "vectors": rows if question.get("vectors") else None}
        case "rerank":
            scores = contender.scores(question["query"], question["texts"])
            return {"ms": milliseconds(start), "scores": scores}
        case other:
            raise ValueError(f"unknown question {other!r}")


def serve(contender: Contender) -> None:
    """Answers until the driver closes the pipe."""
    # Libraries that print must not break the protocol.
    replies, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        print(json.dumps(answer(contender, json.loads(line))), file=replies, flush=True)
