"""Kill a training at random moments and resume it: no finished epoch may be lost, and the weights must be the same.

    python -m stress.kill_resume
    python -m stress.kill_resume --kills 20 --seed 3 --json

A tiny training on synthetic images is killed (SIGKILL) at random moments and started again with the same command; after the
last kill it runs to its end. Its weights must equal those of an uninterrupted training.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from fer_lib.dataset.synthetic import write_sample
from harness.reporting import add_json, print_json

SMALL = {
    "IMAGE_SIZE": "32",
    "BATCH_SIZE": "14",
    "FER_TRAIN_MAX_IMAGES": "56",
    "FER_TRAIN_DEVICE": "cpu",
    "FER_TRAIN_EMA_DECAY": "0.9",
    "FER_TRAIN_INITIAL_WEIGHTS": "none",
    "OMP_NUM_THREADS": "1",
}
COMMAND = [sys.executable, "-m", "fer_lib.training"]


def main() -> int:
    """Run from the shell; return 1 if epochs were lost or the weights differ."""
    parser = argparse.ArgumentParser(
        prog="python -m stress.kill_resume", description="Kill a training at random moments and resume it."
    )
    parser.add_argument("--kills", type=int, default=20, help="number of kills (default: 20)")
    parser.add_argument("--epochs", type=int, default=10, help="epochs of the training (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random moments (default: 0)")
    add_json(parser)
    arguments = parser.parse_args()
    result = kill_and_resume(arguments.kills, arguments.epochs, arguments.seed)
    print(
        f"{result['kills']} kills, {result['before_first']} of them before the first complete epoch; "
        f"{result['epochs']} epochs, {result['runs']} run, the same weights: {result['same']}"
    )
    print_json(arguments, result)
    return int(not result["same"] or result["lost"] > 0)


def kill_and_resume(kills: int, epochs: int, seed: int) -> dict[str, Any]:
    """Train without interruption, then train with kills, and compare the weights.

    Returns:
        `kills`, their number; `before_first`, kills before the first complete epoch; `lost`, finished epochs that were
        missing after a kill; `runs` that have a checkpoint; `epochs` in the last checkpoint; and `same`, whether the
        weights are equal.
    """
    random_s = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="fer-kill-resume-") as name:
        folder = Path(name)
        write_sample(folder / "data", size=32)
        reference = _environment(folder, "reference", epochs)
        start = time.monotonic()
        subprocess.run(COMMAND, env=reference, check=True, capture_output=True)
        total_s = time.monotonic() - start
        killed = _environment(folder, "killed", epochs)
        done = lost = before_first = 0
        finished = 0
        while done < kills:
            process = subprocess.Popen(COMMAND, env=killed, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(random_s.uniform(0.1, 1.0) * total_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                done += 1
            epochs_now = _epochs(folder / "killed")
            lost += max(finished - epochs_now, 0)
            before_first += epochs_now == 0
            finished = epochs_now
            if process.returncode == 0:  # the training finished before the kill: start a new run
                lost += epochs - epochs_now
                _move_runs(folder / "killed")
                finished = 0
        subprocess.run(COMMAND, env=killed, check=True, capture_output=True)
        runs = [path.parent for path in (folder / "killed").glob("*/checkpoint.safetensors")]
        same = [_digest(path) for path in runs] == [_digest(path) for path in (folder / "reference").iterdir()]
        return {
            "kills": done,
            "before_first": before_first,
            "lost": lost,
            "runs": len(runs),
            "epochs": _epochs(folder / "killed"),
            "same": same,
        }


def _environment(folder: Path, runs: str, epochs: int) -> dict[str, str]:
    """Create a folder for runs and return the environment of a training that writes to it."""
    (folder / runs).mkdir()
    paths = {"FER_TRAIN_DATA_DIR": str(folder / "data"), "FER_TRAIN_RUNS_DIR": str(folder / runs)}
    return {**os.environ, **SMALL, **paths, "NUM_EPOCHS": str(epochs)}


def _epochs(runs: Path) -> int:
    """Return the number of complete epochs in the checkpoint, which must be readable after every kill."""
    from safetensors import safe_open

    counts = [0]
    for path in runs.glob("*/checkpoint.safetensors"):
        with safe_open(path, "np") as stream:
            counts.append(json.loads(stream.metadata()["progress"])["next_epoch"])
    return max(counts)


def _move_runs(runs: Path) -> None:
    """Move the finished runs away, so that the next training starts from the first epoch."""
    for run in runs.iterdir():
        run.rename(runs.parent / f"finished-{time.monotonic_ns()}")


def _digest(run: Path) -> str:
    """Return the SHA-256 of all tensors of a checkpoint."""
    from fer_lib.training.learning.checkpoint import read_checkpoint

    tensors, _ = read_checkpoint(run / "checkpoint.safetensors")
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
