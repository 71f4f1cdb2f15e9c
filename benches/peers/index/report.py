"""The tables."""

import os
import platform
from pathlib import Path
from typing import Any

from case import Result


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    cpu = "unknown"
    for line in text("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "caches": caches(),
        "huge_pages": text("/sys/kernel/mm/transparent_hugepage/enabled"),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
    }


def caches() -> str:
    folder = Path("/sys/devices/system/cpu/cpu0/cache")
    levels = [(text(f"{index}/level"), text(f"{index}/size")) for index in sorted(folder.glob("index*"))]
    return ", ".join(f"L{level} {size}" for level, size in levels)


def text(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def heading(facts: dict[str, Any], simd: str, names: list[str]) -> str:
    busy = " – BUSY, ratios only" if facts["load"] > 0.5 else ""
    return (
        f"{facts['cpu']}, {facts['cores']} cores, {facts['caches']}; {facts['system']}; huge pages {facts['huge_pages']}\n"
        f"load {facts['load']:.2f}{busy}; SIMD asked for: {simd}; rekall uses {', '.join(names)}"
    )


def best(results: list[Result], axis: str) -> float | None:
    """The fastest exact f32 peer."""
    times = [r.ms(axis) for r in results if r.plain_f32]
    return min((time for time in times if time is not None), default=None)


def limit(results: list[Result], threads: int, most: list[int]) -> float | None:
    """Reading all rows once, on up to so many threads: on small data one is the faster."""
    times = [r.ms(f"{count}x1") for r in results if r.name == "read limit" for count in most if count <= threads]
    return min((time for time in times if time is not None), default=None)


def case_table(results: list[Result], threads: list[int]) -> str:
    """One row a contender: for each axis ms, × the fastest exact f32 peer, × the read limit."""
    axes = [(count, batch) for batch in (1, 32) for count in threads]
    heads = [f"{batch} quer{'y' if batch == 1 else 'ies'}, {count}t" for count, batch in axes]
    columns = ["contender"]
    for head in heads:
        columns += [f"{head}: ms", "× peer", "× limit"]
    columns += ["recall@10", "rescored", "resident MB", "build s", "load ms"]
    lines = [columns]
    for result in results:
        line = [result.name]
        for count, batch in axes:
            axis = f"{count}x{batch}"
            ms = result.ms(axis)
            flag = " !" if result.cores.get(axis, 0) > count + 0.25 else ""
            line += [number(ms) + flag, ratio(ms, best(results, axis)), ratio(ms, limit(results, count, threads))]
        line += [recall(result), plain(result.rescored_rows, 1), megabytes(result), plain(result.build["seconds"], 2)]
        load = result.load["import"] * 1e3 if result.load else None
        lines.append([*line, number(load)])
    return table(lines)


def recall(result: Result) -> str:
    if result.recall is None:
        return ""
    # The same ids in the same order, which says more.
    return f"{result.recall:.4f}" + (" =" if result.same_ids else "")


def megabytes(result: Result) -> str:
    size = result.build.get("resident_bytes")
    return "" if size is None else f"{size / 1e6:.1f}"


def number(x: float | None) -> str:
    if x is None:
        return ""
    return f"{x:.3f}" if x < 1 else f"{x:.2f}" if x < 100 else f"{x:.0f}"


def plain(x: float | None, digits: int) -> str:
    return "" if x is None else f"{x:.{digits}f}"


def ratio(x: float | None, to: float | None) -> str:
    return "" if x is None or not to else f"{x / to:.2f}"


def table(lines: list[list[str]]) -> str:
    """Columns padded to the same width, as Markdown."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    rows = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines]
    rows.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(rows)


def upkeep_report(facts: dict[str, Any]) -> str:
    lines = []
    for kind, found in facts["history"].items():
        lines.append(
            f"{kind}: after {found['changes']:,} changes a search takes {found['search_ratio']:.3f} × that of a fresh index, "
            f"in {found['own_bytes_ratio']:.3f} × its bytes (the process grew by {found['grown_bytes'] / 1e6:.1f} MB); "
            f"one upsert and the next snapshot {found['upsert_ms']:.3f} ms (most {found['most_ms']:.3f}), "
            f"its first search included {found['with_search_ms']:.3f} ms"
        )
    for kind, found in facts["cancelling"].items():
        for batch, latency in found.items():
            times = f", median {latency['median_ms']:.3f} ms after the flag, most {latency['most_ms']:.3f} ms"
            lines.append(
                f"{kind}, {batch}: {latency['cancelled']} of {latency['searches']} searches cancelled"
                + (times if latency["cancelled"] else "")
            )
    cold = facts["cold_start"]
    lines.append(
        f"cold start: file open after {cold['opened']:.1f} ms, codes read and index made after {cold['imported']:.1f}, "
        f"first answer after {cold['answered']:.1f} ms"
    )
    return "\n".join(lines)
