"""Times rekall's indexes beside their peers, in turns, and prints tables. Started by `cargo xtask bench-peers`.

Needs nothing beside Python's own library; the peers run in another Python, each in a process of its own.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import report
import upkeep
from case import Pace, asked_alone, progress, run
from contenders import Setting

QUERIES = 64
SEED = 20
QUICK_CASES = [(1_000, 384), (10_000, 384), (100_000, 384), (10_000, 768)]
CASES = [*QUICK_CASES, (100_000, 768), (1_000_000, 384)]
# The case that history, cancelling and cold start are measured on.
UPKEEP_ROWS, UPKEEP_DIMENSIONS = 100_000, 384


def main() -> None:
    arguments = parse()
    setting = Setting(arguments.rekall, arguments.python, arguments.work, arguments.simd, arguments.threads)
    arguments.work.mkdir(parents=True, exist_ok=True)
    quick = arguments.quick
    pace = Pace(5, 0.05, quick) if quick else Pace(9, 0.2, quick)
    facts, missing = report.machine(), dict[str, str]()
    found: dict[str, Any] = {"machine": facts, "simd": arguments.simd, "missing": missing, "cases": []}
    versions: dict[str, str] = {}
    for rows, dimensions in cases(arguments):
        source = vectors(arguments, setting, rows, dimensions)
        results = run(source, setting, pace, arguments.only, missing)
        progress("")
        if not found["cases"]:
            print(report.heading(facts, arguments.simd, next(r.build["simd"] for r in results if r.ours)))
        print(f"\n{rows:,} rows of {dimensions} dimensions\n\n{report.case_table(results, setting.threads)}", flush=True)
        versions |= {result.name: result.build["version"] for result in results}
        found["cases"].append({"rows": rows, "dimensions": dimensions, "results": [asdict(r) for r in results]})
    if (UPKEEP_ROWS, UPKEEP_DIMENSIONS) in cases(arguments) and not arguments.only:
        found["upkeep"] = measure_upkeep(vectors(arguments, setting, UPKEEP_ROWS, UPKEEP_DIMENSIONS), setting, pace)
        progress("")
        print(f"\n{UPKEEP_ROWS:,} rows of {UPKEEP_DIMENSIONS} dimensions, rekall alone\n\n{report.upkeep_report(found['upkeep'])}")
    found["versions"] = versions
    print("\nversions: " + "; ".join(f"{name} {version}" for name, version in versions.items()))
    for name, reason in missing.items():
        print(f"MISSING: {name}: {reason}")
    arguments.out.write_text(json.dumps(found, indent=1))
    print(f"all figures: {arguments.out}")


def measure_upkeep(source: dict[str, Any], setting: Setting, pace: Pace) -> dict[str, Any]:
    kinds = ("flat", "sq8", "sq8-sqlite", "sq8-stream", "binary", "vec0")
    return {
        "history": {kind: upkeep.history(kind, source, setting, pace) for kind in ("flat", "sq8")},
        "cancelling": {kind: upkeep.cancelling(kind, source, setting) for kind in kinds},
        "cold_start": upkeep.cold_start(source, setting),
    }


def cases(arguments: argparse.Namespace) -> list[tuple[int, int]]:
    if arguments.vectors:
        dimensions = arguments.dimensions
        there = arguments.vectors.stat().st_size // (4 * dimensions) - QUERIES
        sizes = sorted({min(rows, there) for rows in arguments.rows or (1_000, 10_000, 100_000, 1_000_000)})
        return [(rows, dimensions) for rows in sizes]
    known = QUICK_CASES if arguments.quick else CASES
    if arguments.rows:
        return [(rows, arguments.dimensions or 384) for rows in arguments.rows]
    return [case for case in known if arguments.dimensions in (None, case[1])]


def vectors(arguments: argparse.Namespace, setting: Setting, rows: int, dimensions: int) -> dict[str, Any]:
    """The file of a case: the user's, or one made from the seed."""
    file = arguments.vectors
    if file is None:
        file = setting.work / f"vectors-{SEED}-{rows}x{dimensions}.f32"
        if not file.exists():
            progress(f"making {rows:,} vectors")
            count = rows + QUERIES
            asked_alone(setting, "generate", file=str(file), rows=count, dimensions=dimensions, seed=SEED)
    return {"vectors": str(file), "rows": rows, "dimensions": dimensions, "queries": QUERIES}


def parse() -> argparse.Namespace:
    def numbers(value: str) -> list[int]:
        return [int(number.replace("_", "")) for number in value.split(",")]

    parser = argparse.ArgumentParser(prog="cargo xtask bench-peers", description=__doc__)
    parser.add_argument("--rekall", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--python", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and cases: some four minutes")
    parser.add_argument("--rows", type=numbers, help="sizes, for example 10000,100000")
    parser.add_argument("--dimensions", type=int, help="only this many; with --vectors those of the file")
    parser.add_argument("--threads", type=numbers, default=[1, 2], help="thread counts (default 1,2)")
    parser.add_argument("--vectors", type=Path, help="unit vectors of your own: little-endian f32, one after the other")
    parser.add_argument("--simd", choices=("native", "avx2", "portable"), default="native", help="the most to use")
    parser.add_argument("--only", type=lambda value: value.split(";"), default=[], help="contenders, parted by ';'")
    arguments = parser.parse_args()
    if arguments.vectors and not arguments.dimensions:
        parser.error("--vectors needs --dimensions")
    return arguments


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
