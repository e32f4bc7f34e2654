"""Write requirements/: every package of an installation with its version and the hashes of its files (lock files).

The versions are those of constraints.txt, so update that first:
`.venv/bin/python .ci/pins.py > constraints.new && mv constraints.new constraints.txt`. Then, in any environment with
access to the package index:

    pip install uv && python .ci/lock.py
    python .ci/lock.py --upgrade        # newer versions of packages outside constraints.txt, such as CUDA's

The files are valid for all operating systems and all Python versions that pyproject.toml supports.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
# The extras of pyproject.toml in each file. The Makefile, the Dockerfile and Binder install these files.
EXTRAS = {"core": (), "lab": ("lab", "evaluate"), "service": ("service",), "train": ("train",), "all": ("all",)}
HEADER = "# Written by `.ci/lock.py`, for `pip install --require-hashes -r requirements/{name}.txt`.\n"
OPTIONS = ("--quiet", "--universal", "--generate-hashes", "--no-header", "--no-annotate")


def compile_requirements(name: str, source: str, extras: tuple[str, ...], options: list[str]) -> None:
    """Write `requirements/NAME.txt` from `source`, a file of the project or `-` with the build requirements."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    oldest = project["project"]["requires-python"].removeprefix(">=")
    target = PROJECT / "requirements" / f"{name}.txt"
    command = [sys.executable, "-m", "uv", "pip", "compile", source, *OPTIONS, *options]
    command += ["--constraint", "constraints.txt", "--python-version", oldest, "--output-file", str(target)]
    command += [word for extra in extras for word in ("--extra", extra)]
    build = "\n".join(project["build-system"]["requires"])
    subprocess.run(command, cwd=PROJECT, check=True, text=True, input=build)  # noqa: S603
    target.write_text(HEADER.format(name=name) + target.read_text(encoding="utf-8"), encoding="utf-8")


def main() -> None:
    """Write all files; the arguments of the command line are passed to `uv pip compile`."""
    options = sys.argv[1:]
    compile_requirements("build", "-", (), options)
    for name, extras in EXTRAS.items():
        compile_requirements(name, "pyproject.toml", extras, options)


if __name__ == "__main__":
    main()
