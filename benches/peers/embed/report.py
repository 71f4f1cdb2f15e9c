"""What the figures look like on paper."""

import os
import pathlib
import platform
from typing import Any

BASELINE = "onnxruntime fp32"


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    model = "unknown"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def text(figures: dict[str, Any]) -> str:
    """Tables in Markdown."""
    about = figures["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in figures["versions"].items())
    lines = [
        f"{about['processor']}, {about['cores']} cores, {about['system']}, Python {about['python']}",
        versions,
        f"load average before {about['load_before']}, after {about['load_after']}"
        " (its own work included); more than this run's own makes the milliseconds useless",
        "",
        *_speed(figures),
        "",
        *_modernbert(figures["modernbert"]),
        "",
        *_rerank(figures["rerank"]),
        "",
        *_memory(figures),
        "",
        *_rekall(figures),
    ]
    return "\n".join(lines)


def _speed(figures: dict[str, Any]) -> list[str]:
    columns = ["load ms", "cold ms", *_speed_columns(figures["speed"])]
    rows = []
    for name in figures["speed"][1]:
        start, base = figures["cold"][name], figures["cold"][BASELINE]
        row = [_less(start["load_ms"], base["load_ms"]), _less(start["cold_ms"], base["cold_ms"])]
        rows.append([name, *row, *_speed_row(figures["speed"], name)])
    note = f"In parentheses: how many times as good as {BASELINE}; above 1 is better."
    return [*_table(["all-MiniLM-L6-v2", *columns], rows), "", note]


def _modernbert(figures: dict[str, Any]) -> list[str]:
    columns = [*_speed_columns(figures["speed"]), "max diff"]
    rows = []
    for name in figures["speed"][1]:
        close = figures["agreement"].get(name)
        difference = f"{close['largest_difference']:.1e}" if close else ""
        rows.append([name, *_speed_row(figures["speed"], name), difference])
    return _table(["ModernBERT of random numbers", *columns], rows)


def _rerank(measured: dict[int, Any]) -> list[str]:
    columns = [f"20 passages ms, {threads}t" for threads in measured]
    rows = []
    for name, first in measured[1].items():
        times = [f"{by_name[name]['rerank_ms']:,.0f}" for by_name in measured.values()]
        rows.append([name, *times, f"{first['largest_difference']:.1e}"])
    return _table(["reranker of the shape of ms-marco-MiniLM-L6", *columns, "max diff"], rows)


def _speed_columns(speed: dict[int, Any]) -> list[str]:
    names = ("query ms", "passages/s", "mixed/s", "cores")
    return [f"{what}, {threads}t" for threads in speed for what in names]


def _speed_row(speed: dict[int, Any], name: str) -> list[str]:
    row = []
    for measured in speed.values():
        own, base = measured[name], measured[BASELINE]
        row += [
            _less(own["query_ms"], base["query_ms"]),
            _more(own["passages_per_s"], base["passages_per_s"]),
            _more(own["mixed_per_s"], base["mixed_per_s"]),
            f"{own['cores_used']:.2f}",
        ]
    return row


def _memory(figures: dict[str, Any]) -> list[str]:
    columns = ["before", "loaded, used, unloaded MB: 1st", "2nd", "3rd", "peak MB", "max diff", "min cosine"]
    rows = []
    for name, measured in figures["memory"].items():
        turns = [
            f"{turn['loaded_mb']:.0f}, {turn['used_mb']:.0f}, {turn['unloaded_mb']:.0f}"
            for turn in measured["rounds"]
        ]
        close = ["", ""]
        if agreement := figures["agreement"].get(name):
            close = [f"{agreement['largest_difference']:.1e}", f"{agreement['least_cosine']:.7f}"]
        rows.append([name, f"{measured['before_mb']:.0f}", *turns, f"{measured['peak_mb']:.0f}", *close])
    return _table(["resident memory", *columns], rows)


def _rekall(figures: dict[str, Any]) -> list[str]:
    bundled, store = figures["bundled"], figures["store"]
    start = figures["cold"]["rekall, built-in model"]
    return [
        f"rekall, built-in model: loaded in {start['load_ms']:.1f} ms,"
        f" cold first vector {start['cold_ms']:.0f} ms,"
        f" {bundled['short_texts_per_s']:,.0f} texts of 12 words a second on one thread",
        f"rekall, a memory of {store['entries']:,} entries with all-MiniLM-L6-v2:"
        f" first search {store['first_search_ms']:.0f} ms, next {store['search_ms']:.1f} ms;"
        f" resident {store['before_mb']:.0f} MB before, {store['used_mb']:.0f} in use,"
        f" {store['peak_mb']:.0f} at most, {store['at_rest_mb']:.0f} after unloading",
    ]


def _less(own: float, base: float) -> str:
    return f"{own:,.1f} ({base / own:.2f})"


def _more(own: float, base: float) -> str:
    return f"{own:,.1f} ({own / base:.2f})"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in [head, *rows]]
    rule = " | ".join("-" * width for width in widths)
    return [f"| {line} |" for line in [lines[0], rule, *lines[1:]]]
