"""Fuzz the targets of `stress.fuzz_targets`: coverage-guided (libFuzzer), with a corpus that is kept between runs.

    python -m stress.fuzz                              # all targets, some 220,000 inputs in total
    python -m stress.fuzz images --inputs 1000000
    python -m stress.fuzz --json

Each target runs in its own process, with limits of 600 MB of memory and 30 seconds per input. Inputs that reach new code
are kept in `.fuzz/<target>/`, so that the next run continues from there. An input that fails is written to `.fuzz/`;
`python -m stress.fuzz_targets <target> <file>` reproduces it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from harness.reporting import add_json, print_json
from stress.seeds import MAX_SEED_BYTES, make_seeds

INPUTS = {
    "headers": 40_000,
    "images": 30_000,
    "pipeline": 10_000,
    "messages": 30_000,
    "wire_format": 20_000,
    "comms": 20_000,
    "service": 4_000,
    "folder": 6_000,
    "photo": 4_000,
    "videos": 5_000,
    "hosts": 50_000,
}
MEMORY_MB = 600
TIMEOUT_S = 30
FUZZ_DIR = Path(".fuzz")


def main() -> int:
    """Run from the shell; return 1 if an input of any target failed."""
    parser = argparse.ArgumentParser(
        prog="python -m stress.fuzz", description="Fuzz every input path for untrusted bytes."
    )
    parser.add_argument("targets", nargs="*", metavar="target", help=f"{', '.join(INPUTS)} (default: all)")
    parser.add_argument("--inputs", type=int, help="inputs per target (default: a number for each target)")
    add_json(parser)
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.targets) - set(INPUTS))
    if unknown:
        parser.error(f"target must be one of {', '.join(INPUTS)}, but got {', '.join(unknown)}")
    targets = arguments.targets or INPUTS
    results = {target: fuzz_one(target, arguments.inputs or INPUTS[target]) for target in targets}
    inputs, failed = (sum(one[name] for one in results.values()) for name in ("inputs", "broke"))
    print(f"{inputs:,} inputs, {failed} targets failed")
    print_json(arguments, results)
    return int(failed > 0)


def fuzz_one(target: str, inputs: int) -> dict[str, Any]:
    """Fuzz one target in its own process, which ends at the first failure.

    Returns:
        `inputs` that were run; `broke`, 1 if one failed; `kept`, the size of the corpus; `memory_mb`, the largest
        memory; `slowest_s`, the slowest input in whole seconds; and `seconds` in total.
    """
    corpus = FUZZ_DIR / target
    write_seeds(corpus, target)
    options = [f"-runs={inputs}", f"-rss_limit_mb={MEMORY_MB}", f"-timeout={TIMEOUT_S}", f"-max_len={MAX_SEED_BYTES}"]
    options += ["-print_final_stats=1", f"-artifact_prefix={FUZZ_DIR}/", "-len_control=0"]
    started = time.monotonic()
    log = FUZZ_DIR / f"{target}.log"
    with log.open("wb") as stream:
        command = [sys.executable, "-m", "stress.fuzz_targets", target, str(corpus), *options]
        environment = {**os.environ, "OPENCV_LOG_LEVEL": "OFF"}
        done = subprocess.run(command, stdout=stream, stderr=subprocess.STDOUT, env=environment, check=False)
    output = log.read_text(errors="replace")
    figures = {
        "inputs": _read_statistic(output, "number_of_executed_units"),
        "broke": int(done.returncode != 0),
        "kept": len(list(corpus.iterdir())),
        "memory_mb": _read_statistic(output, "peak_rss_mb"),
        "slowest_s": _read_statistic(output, "slowest_unit_time_sec"),
        "seconds": round(time.monotonic() - started),
    }
    print(f"{target:12}" + "".join(f"{value:10,} {name}" for name, value in figures.items()), flush=True)
    if done.returncode:
        print(output[-3000:])
    return figures


def write_seeds(corpus: Path, target: str) -> None:
    """Add the seeds of a target to its corpus folder, which is created if missing."""
    corpus.mkdir(parents=True, exist_ok=True)
    for data in make_seeds(target):
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


def _read_statistic(output: str, name: str) -> int:
    """Return a final statistic from libFuzzer's output, 0 if it is missing."""
    found = re.search(rf"stat::{name}:\s*(\d+)", output)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    sys.exit(main())
