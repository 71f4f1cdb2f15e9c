#!/usr/bin/env python3
"""How fast a cold server answers, and what an idle one takes, over a file of some thousand notes.

    measure.py SERVER DATABASE [--starts N] [--json FILE]

Started by `cargo xtask bench-mcp`. Talks to the server as a host does, one line of JSON for each message, over pipes.
"Cold" is a process that has answered nothing but the handshake: no model loaded, no vector read. The database is in the
system's file cache, as it is after the first of several starts. "Idle" is the memory after the model was unloaded,
from /proc (Linux). Beside each figure that has a limit stands that limit. Nothing fails because a machine is slow.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

# What a host may count on.
FIRST_ANSWER_MS = 150
IDLE_MB = 40

QUERIES = [
    "why is the build slow",
    "certificate expired on the mail server",
    "données périmées dans le cache",
    "upload of large files fails behind the proxy",
    "how do we rotate the keys",
]


class Server:
    def __init__(self, program, database, idle):
        command = [program, "--db", database, "--idle", str(idle)]
        self.started = time.perf_counter()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.requests = 0
        client = {"name": "measure", "version": "1"}
        params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}
        self.request("initialize", params)
        self.write({"method": "notifications/initialized"})

    def write(self, message):
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.process.stdin.flush()

    def request(self, method, params):
        self.requests += 1
        self.write({"id": self.requests, "method": method, "params": params})
        answer = json.loads(self.process.stdout.readline())
        assert answer["id"] == self.requests and "result" in answer, answer
        return answer["result"]

    def call(self, tool, **arguments):
        result = self.request("tools/call", {"name": tool, "arguments": arguments})
        assert not result.get("isError"), result
        return result["content"][0]["text"]

    def memory(self):
        """Resident bytes: all, and those of no file."""
        with open(f"/proc/{self.process.pid}/status") as status:
            kilobytes = {line.split(":")[0]: line.split()[1] for line in status if line.startswith(("VmRSS", "RssAnon"))}
        return int(kilobytes["VmRSS"]) * 1024, int(kilobytes["RssAnon"]) * 1024

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=10) == 0


def milliseconds(work):
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1e3


def table(figures):
    """As docs/mcp.md has it."""

    def times(name):
        return f"{figures[name]['median']:.1f} ms, at most {figures[name]['max']:.1f} ms"

    def limited(value, limit, unit):
        return f"{limit} {unit} ({'kept' if value <= limit else 'NOT kept'})"

    notes, starts, idle = f"{figures['notes']:,}", figures["starts"], figures["resident_idle_mb"]
    rows = [
        (f"among {notes} notes, median of {starts} starts", "measured", "limit"),
        ("---", "---", "---"),
        ("from the start of the process to the end of the handshake", times("handshake_ms"), ""),
        ("first answer of a cold server, from the request", times("first_answer_ms"),
         limited(figures["first_answer_ms"]["max"], FIRST_ANSWER_MS, "ms")),
        ("later answers", times("later_answer_ms"), ""),
        ("resident memory after searches", f"{figures['resident_after_searches_mb']:.1f} MB", ""),
        ("resident memory when idle", f"{idle:.1f} MB", limited(idle, IDLE_MB, "MB")),
        ("of it not backed by a file", f"{figures['resident_idle_of_no_file_mb']:.1f} MB", ""),
    ]
    return "\n".join(f"| {what} | {measured} | {limit} |".replace("|  |", "| |") for what, measured, limit in rows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("database")
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--json")
    options = parser.parse_args()

    ready, first, later = [], [], []
    for start in range(options.starts):
        server = Server(options.server, options.database, idle=600)
        ready.append((time.perf_counter() - server.started) * 1e3)
        query = QUERIES[start % len(QUERIES)]
        first.append(milliseconds(lambda: server.call("recall", query=query)))
        later += [milliseconds(lambda other=other: server.call("recall", query=other)) for other in QUERIES]
        busy, _ = server.memory()
        notes = server.call("stats").split(" ", 1)[0]
        server.end()

    server = Server(options.server, options.database, idle=1)
    for query in QUERIES:
        server.call("recall", query=query)
    # Until the model is unloaded; stats does not load it.
    while "model in memory: not loaded" not in server.call("stats"):
        time.sleep(0.1)
    resident, anonymous = server.memory()
    server.end()

    figures = {
        "notes": int(notes),
        "starts": options.starts,
        "handshake_ms": {"median": statistics.median(ready), "max": max(ready)},
        "first_answer_ms": {"median": statistics.median(first), "max": max(first)},
        "later_answer_ms": {"median": statistics.median(later), "max": max(later)},
        "resident_after_searches_mb": busy / 1e6,
        "resident_idle_mb": resident / 1e6,
        "resident_idle_of_no_file_mb": anonymous / 1e6,
    }
    print(table(figures))
    if options.json:
        with open(options.json, "w") as out:
            json.dump(figures, out, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
