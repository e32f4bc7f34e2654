"""Train the emotion network, in one process or several.

    fer-lib train --num-epochs 2 --optimizer sgd
    python -m fer_lib.training NUM_EPOCHS=2 PROCESSES=2
    accelerate launch -m fer_lib.training NUM_EPOCHS=2

`fer-lib train` and `python -m fer_lib.training` are the same command.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from fer_lib.command_line import CommandParser, run_command
from fer_lib.settings.training import UNPREFIXED, TrainingSettings
from fer_lib.terminal import prepare_streams, printable

ABOUT = """\
Train the emotion network and write the run to a folder of runs/. The same command again resumes a run that was
interrupted from its last checkpoint. Prints the folder of the run."""
EXAMPLES = """\
fer-lib train --data-dir data/sample --num-epochs 2 --image-size 64
fer-lib train NUM_EPOCHS=2 OPTIMIZER=sgd
fer-lib train --processes 2                           # on two GPUs, or in two processes"""
INTERRUPTED = "interrupted; the same command resumes from the last checkpoint"
# Sections of `--help`; every setting belongs to one.
SECTIONS: dict[str, list[str]] = {
    "network and optimization": [
        *UNPREFIXED,
        "color",
        "architecture",
        "initial_weights",
        "stochastic_depth",
        "schedule",
        "weight_decay",
        "clip_norm",
        "ema_decay",
        "keep_by",
        "time_limit_s",
    ],
    "sampling, augmentation and loss": [
        "sampler",
        "augmentation",
        "crop_jitter",
        "mixup",
        "cutmix",
        "logit_adjustment",
        "label_offsets",
        "crop_scale",
        "crop_shift_y",
        "crop_detail",
    ],
    "targets and distillation": [
        "label_source",
        "vote_share",
        "ferplus_csv",
        "teachers",
        "teacher_share",
        "teacher_views",
    ],
    "training of the classifier alone": ["frozen_backbone", "head_views", "head_reset", "head_seeds"],
    "device and processes": ["device", "precision", "processes", "shared_batch_norm", "seed"],
    "data and runs": ["data_dir", "max_images", "runs_dir", "run_name", "resume", "checkpoint_s"],
}


def main(words: Sequence[str] | None = None, prog: str = "python -m fer_lib.training") -> int:
    """Run the command line, named `prog` in help and errors, and return the exit status."""
    parser = CommandParser(prog, ABOUT, EXAMPLES)
    parser.add_settings(TrainingSettings, "other settings of training", SECTIONS)
    _, given = parser.parse_words(words)
    return run_command(prog, lambda: _train(given), INTERRUPTED)


def _train(given: dict[str, str]) -> int:
    settings, sources = TrainingSettings.load(**given), TrainingSettings.sources(**given)
    from fer_lib.training.launch import launch  # imports torch (seconds); invalid settings are reported before

    print(printable(launch(settings, sources).folder))
    return 0


if __name__ == "__main__":
    prepare_streams()
    sys.exit(main())
