"""The server as the reference client of the protocol (the `mcp` package) sees it.

    python client.py SERVER [unittest arguments]

Nothing here waits for a time to pass: where two things have to come one after the other, the second is started when
an answer has shown that the first is done.
"""

import os
import re
import signal
import sqlite3
import sys
import tempfile
import unittest
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client

SERVER = None  # the program, named on the command line
UNKNOWN_ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
ID = re.compile(r"\bid ([0-9A-Z]{26})")


class Talk:
    """A client that knows which answers are expected."""

    def __init__(self, client, pid_file):
        self.client = client
        self.pid_file = pid_file

    async def call(self, tool, **arguments):
        """The text of a call that succeeds."""
        result = await self.client.call_tool(tool, arguments)
        text = "\n".join(block.text for block in result.content)
        assert not result.is_error, f"{tool} {arguments}: {text}"
        return text

    async def refused(self, tool, **arguments):
        """The text of a call that fails, as a model is shown it."""
        result = await self.client.call_tool(tool, arguments)
        text = "\n".join(block.text for block in result.content)
        assert result.is_error, f"{tool} {arguments} succeeded: {text}"
        return text

    async def remember(self, title, **arguments):
        """The id of a new note."""
        return ID.search(await self.call("remember", title=title, **arguments))[1]

    def kill(self):
        os.kill(int(self.pid_file.read_text()), signal.SIGKILL)


class ServerTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.file = self.folder / "notes.db"
        self.started = 0

    @asynccontextmanager
    async def server(self, *options, mode="auto"):
        """A server of its own on the test's file. Its log must stay empty."""
        self.started += 1
        pid_file, log = self.folder / f"pid{self.started}", self.folder / f"log{self.started}"
        program = [SERVER, "--db", str(self.file), *options]
        shell = StdioServerParameters(
            command="sh", args=["-c", 'echo $$ > "$0"; exec "$@"', str(pid_file), *program]
        )
        with open(log, "w") as errors:
            transport = stdio_client(shell, errlog=errors)
            async with Client(transport, mode=mode, read_timeout_seconds=60) as client:
                yield Talk(client, pid_file)
        self.assertEqual(log.read_text(), "")

    async def test_handshake_and_listing(self):
        for mode in ["auto", "legacy"]:
            async with self.server(mode=mode) as talk:
                self.assertEqual(talk.client.server_info.name, "rekall")
                self.assertIn("recall", talk.client.instructions)
                tools = {tool.name: tool for tool in (await talk.client.list_tools()).tools}
                names = ["recall", "remember", "update", "show", "recent", "link", "forget", "stats"]
                self.assertEqual(list(tools), names)
                for tool in tools.values():
                    self.assertGreater(len(tool.description), 80, tool.name)
                    self.assertFalse(tool.annotations.open_world_hint, tool.name)
                read_only = [name for name in names if tools[name].annotations.read_only_hint]
                self.assertEqual(read_only, ["recall", "show", "recent", "stats"])
                limit = tools["recall"].input_schema["properties"]["limit"]
                self.assertEqual((limit["minimum"], limit["maximum"]), (1, 50))
                self.assertEqual(tools["recall"].input_schema["required"], ["query"])

    async def test_every_tool(self):
        async with self.server() as talk:
            self.assertIn("empty", await talk.call("recall", query="anything"))
            old = await talk.remember("The build takes forty minutes", project="site", tags=["ci"])
            bug = await talk.remember(
                "CORS fails on Safari",
                content="The preflight answer lacks a header.\n\n" + "More about other things. " * 400,
                kind="bug",
                project="shop",
                tags=["http", "safari"],
                source="src/api.rs:12",
            )

            # Sources, ids and the passage that fits come with a hit.
            found = await talk.call("recall", query="browser blocks my API call", limit=1)
            for part in ["1. CORS fails on Safari", bug, "bug", "project shop", "#safari", "similarity 0."]:
                self.assertIn(part, found)
            self.assertIn("source: src/api.rs:12", found)
            self.assertIn("preflight answer lacks a header", found)
            nothing = await talk.call("recall", query="anything", project="absent")
            self.assertIn("Projects there are: shop, site.", nothing)

            # A note that replaces another hides it.
            new = await talk.remember("The build takes twelve minutes", project="site", replaces=old)
            found = await talk.call("recall", query="How long is the build?", project="site")
            self.assertIn(new, found)
            self.assertNotIn(f"id {old}", found)
            found = await talk.call("recall", query="How long is the build?", include_obsolete=True)
            self.assertIn(f"OBSOLETE, replaced by {new}", found)
            # The same again is noticed, and where it says something else.
            again = await talk.call("remember", title="The build takes twelve minutes")
            self.assertRegex(again.split("Much alike")[1], f"id {new}, .*word for word the same")

            changed = await talk.call("update", id=bug, title="CORS fails on Safari 17", tags=[])
            self.assertIn("CORS fails on Safari 17", changed)
            self.assertNotIn("#http", changed)

            linked = await talk.call("link", **{"from": new, "to": bug}, relation="explains", reason="same cause")
            self.assertIn("explains", linked)
            shown = await talk.call("show", id=bug, max_tokens=400)
            self.assertIn(f"link: {new} explains this: The build takes twelve minutes (same cause)", shown)
            # A long note comes in parts that make up the whole.
            content, part = "", shown
            while True:
                body = part.split("\n\n", 1)[1] if "\n\n" in part else ""
                content += re.sub(r"\n?\(characters .*$", "", body)
                following = re.search(r"start=(\d+)", part)
                if not following:
                    break
                part = await talk.call("show", id=bug, start=int(following[1]), max_tokens=2000)
            self.assertEqual(" ".join(content.split()).count("More about other things."), 400)

            recent = await talk.call("recent", limit=2)
            self.assertLess(recent.index("CORS fails on Safari 17"), recent.index("The build takes"))
            self.assertEqual(recent.count("\n- ") + 1, 2)
            self.assertIn("No such notes", await talk.call("recent", kind="absent"))
            self.assertIn(bug, await talk.call("recent", days=1, by="created", kind="bug"))

            forgotten = await talk.call("forget", ids=[bug, UNKNOWN_ID])
            self.assertIn("CORS fails on Safari 17", forgotten)
            self.assertIn(f"no note with id {UNKNOWN_ID}", forgotten)
            stats = await talk.call("stats")
            for part in ["3 notes, 1 of them obsolete; 0 links", str(self.file), "projects: site (1)"]:
                self.assertIn(part, stats)

    async def test_answers_are_bounded(self):
        async with self.server() as talk:
            for number in range(30):
                await talk.remember(f"Observation {number} of the weather", content="Rain and wind. " * 500)
            for tool, arguments in [("recall", {"query": "weather"}), ("recent", {})]:
                sizes = []
                for max_tokens in [200, 1000, 5000]:
                    text = await talk.call(tool, limit=30, max_tokens=max_tokens, **arguments)
                    # English has about four characters a token.
                    self.assertLess(len(text), max_tokens * 4)
                    self.assertIn("Observation", text)
                    self.assertEqual("did not fit" in text, text.count("Observation") < 30, text)
                    sizes.append(len(text))
                self.assertEqual(sizes, sorted(sizes))
                self.assertLess(sizes[0], sizes[-1])

    async def test_bad_arguments_say_what_to_do(self):
        async with self.server() as talk:
            note = await talk.remember("A note")
            for tool, arguments, said in [
                ("recall", {}, "missing field `query`"),
                ("recall", {"query": " "}, "query: must not be blank"),
                ("recall", {"query": "x", "limit": 0}, "limit: invalid value: integer `0`, expected a whole number"),
                ("recall", {"query": "x", "limit": "five"}, "limit: invalid type"),
                ("recall", {"query": "x", "projet": "y"}, "unknown field `projet`"),
                ("recall", {"query": "x" * 3000}, "query: must have at most 2000 characters, has 3000"),
                ("recall", {"query": "x", "tags": ["a"] * 40}, "tags: must have 0 to 32 items, has 40"),
                ("remember", {"title": "a\0b"}, "NUL"),
                ("remember", {"title": "A note", "replaces": UNKNOWN_ID}, UNKNOWN_ID),
                ("update", {"id": note}, "nothing to change: give at least one of"),
                ("update", {"id": UNKNOWN_ID, "title": "x"}, "recall or recent"),
                ("update", {"id": note, "replaced_by": note}, "Correct the arguments"),
                ("show", {"id": "the first one"}, "id: must be an id as recall and recent show it"),
                ("show", {"id": UNKNOWN_ID}, "recall or recent"),
                ("link", {"from": note, "to": note}, "Correct the arguments"),
                ("forget", {"ids": []}, "ids: must have 1 to 20 items"),
                ("forget", {"ids": [UNKNOWN_ID]}, "recall or recent"),
                ("recent", {"by": "size"}, "by: unknown variant `size`, expected `changed` or `created`"),
                ("stats", {"all": True}, "unknown field `all`"),
            ]:
                text = await talk.refused(tool, **arguments)
                self.assertIn(said, text, tool)
                self.assertIn("Nothing was changed", text, tool)
            self.assertIn("1 notes, 0 of them obsolete", await talk.call("stats"))
        # The SDK logs what is an error of the protocol.
        async with self.server("--log", "off") as talk:
            with self.assertRaisesRegex(MCPError, "recall, remember"):
                await talk.client.call_tool("search", {"query": "x"})

    async def test_a_cancelled_call_changes_nothing(self):
        async with self.server() as talk:
            await talk.remember("First")
            # Another program holds the file's write lock, so that a write waits.
            other = sqlite3.connect(self.file, isolation_level=None)
            self.addCleanup(other.close)
            other.execute("BEGIN IMMEDIATE")
            async with anyio.create_task_group() as calls:
                waiting = anyio.CancelScope()

                async def remember_in_vain():
                    with waiting:
                        await talk.remember("Cancelled while it waited")

                calls.start_soon(remember_in_vain)
                # Reads go on meanwhile; the answer shows that the server has the request above.
                self.assertIn("First", await talk.call("recent"))
                waiting.cancel()
            # The answer to a later request shows that the server knows of the cancellation.
            self.assertIn("First", await talk.call("recent"))
            other.execute("ROLLBACK")
            await talk.remember("Second")
            recent = await talk.call("recent")
            self.assertIn("Second", recent)
            self.assertNotIn("Cancelled", recent)

    async def test_a_write_lock_that_is_held_is_told(self):
        async with self.server() as talk:
            await talk.remember("First")
            other = sqlite3.connect(self.file, isolation_level=None)
            self.addCleanup(other.close)
            other.execute("BEGIN IMMEDIATE")
            text = await talk.refused("remember", title="Second")
            self.assertIn("Another program is writing to the memory. Nothing was changed: call again.", text)
            other.execute("ROLLBACK")
            await talk.remember("Second")

    async def test_two_servers_on_one_file(self):
        async with self.server() as one, self.server() as two:
            async def write(talk, name):
                for number in range(25):
                    await talk.remember(f"{name} {number}")

            async with anyio.create_task_group() as writers:
                writers.start_soon(write, one, "one")
                writers.start_soon(write, two, "two")
            # Each sees at once what the other has written.
            note = await one.remember("Only one of them wrote that the sea is green")
            self.assertIn(note, await two.call("recall", query="color of the sea", limit=1))
            await two.call("forget", ids=[note])
            self.assertNotIn(note, await one.call("recall", query="color of the sea", limit=3))
            self.assertIn("50 notes", await one.call("stats"))

    async def test_killed_and_started_again(self):
        kept = []
        for _ in range(3):
            ended = []
            # The connection of a killed server ends in errors of the client, which are not what is tested here.
            with suppress(Exception):
                async with self.server() as talk:
                    kept.append(await talk.remember(f"Written by process {len(kept)}"))
                    talk.kill()
                    try:
                        ended.append(await talk.client.call_tool("stats", {}))
                    except Exception as error:
                        ended.append(error)
            # Outside: what is suppressed cannot fail.
            self.assertEqual(len(ended), 1)
            self.assertIsInstance(ended[0], Exception, "a killed server answers nothing")
        self.assertEqual(len(kept), 3)
        async with self.server() as talk:
            recent = await talk.call("recent")
            for note in kept:
                self.assertIn(note, recent)
            self.assertIn(kept[1], await talk.call("recall", query="process 1", limit=3))

    async def test_the_model_is_unloaded_when_idle(self):
        for idle, loaded in [("600", True), ("0", False)]:
            async with self.server("--idle", idle) as talk:
                self.assertIn("model in memory: not loaded", await talk.call("stats"))
                await talk.remember("A note")
                self.assertEqual("model in memory: not loaded" not in await talk.call("stats"), loaded)


if __name__ == "__main__":
    SERVER = sys.argv.pop(1)
    unittest.main()
