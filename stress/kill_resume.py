"""Does a training that is killed at any moment lose what it had finished?

    python -m stress.kill_resume
    python -m stress.kill_resume --kills 20 --seed 3 --json

A tiny training on drawn pictures is killed (SIGKILL) at random moments and started again with the same command, until it
has been killed so often; then it may end. Its network must equal that of a training which nobody disturbed.
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
    """Try it and print from the shell; the status is 1 if something was lost."""
    parser = argparse.ArgumentParser(description="Kill a training again and again.")
    parser.add_argument("--kills", type=int, default=20, help="how often (default: 20)")
    parser.add_argument("--epochs", type=int, default=10, help="epochs of the training (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="decides the moments")
    add_json(parser)
    given = parser.parse_args()
    found = kill(given.kills, given.epochs, given.seed)
    print(
        f"killed {found['kills']} times, {found['before_first']} of them before the first epoch was whole; "
        f"{found['epochs']} epochs, {found['runs']} run, the same network: {found['same']}"
    )
    print_json(given, found)
    return int(not found["same"] or found["lost"] > 0)


def kill(kills: int, epochs: int, seed: int) -> dict[str, Any]:
    """Train undisturbed, then train and kill.

    Returns:
        `kills` there were, `before_first` epoch was whole, `lost` epochs that had been finished and were not there
        after a kill, `runs` that have a checkpoint, `epochs` in the last, and whether its network is the `same`.
    """
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="fer-killing-") as name:
        folder = Path(name)
        write_sample(folder / "data", size=32)
        whole = _environment(folder, "whole", epochs)
        start = time.monotonic()
        subprocess.run(COMMAND, env=whole, check=True, capture_output=True)
        usual_s = time.monotonic() - start
        cut = _environment(folder, "cut", epochs)
        done = lost = before_first = 0
        finished = 0
        while done < kills:
            process = subprocess.Popen(COMMAND, env=cut, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(chance.uniform(0.1, 1.0) * usual_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                done += 1
            epochs_now = _epochs(folder / "cut")
            lost += max(finished - epochs_now, 0)
            before_first += epochs_now == 0
            finished = epochs_now
            if process.returncode == 0:  # it was ready before its moment came: another one
                lost += epochs - epochs_now
                _forget(folder / "cut")
                finished = 0
        subprocess.run(COMMAND, env=cut, check=True, capture_output=True)
        runs = [path.parent for path in (folder / "cut").glob("*/checkpoint.safetensors")]
        same = [_digest(path) for path in runs] == [_digest(path) for path in (folder / "whole").iterdir()]
        return {
            "kills": done,
            "before_first": before_first,
            "lost": lost,
            "runs": len(runs),
            "epochs": _epochs(folder / "cut"),
            "same": same,
        }


def _environment(folder: Path, runs: str, epochs: int) -> dict[str, str]:
    (folder / runs).mkdir()
    paths = {"FER_TRAIN_DATA_DIR": str(folder / "data"), "FER_TRAIN_RUNS_DIR": str(folder / runs)}
    return {**os.environ, **SMALL, **paths, "NUM_EPOCHS": str(epochs)}


def _epochs(runs: Path) -> int:
    """Return how many whole epochs the run remembers; whatever a kill left behind must be readable."""
    from safetensors import safe_open

    counts = [0]
    for path in runs.glob("*/checkpoint.safetensors"):
        with safe_open(path, "np") as stream:
            counts.append(json.loads(stream.metadata()["progress"])["next_epoch"])
    return max(counts)


def _forget(runs: Path) -> None:
    for run in runs.iterdir():
        run.rename(runs.parent / f"finished-{time.monotonic_ns()}")


def _digest(run: Path) -> str:
    from fer_lib.training.learning.checkpoint import read_checkpoint

    tensors, _ = read_checkpoint(run / "checkpoint.safetensors")
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
