"""Verified weights become a network that answers."""

from __future__ import annotations

from functools import cache

import onnxruntime

from fer_lib.weights import Weights


def open_network(weights: Weights, threads: int = 1) -> onnxruntime.InferenceSession:
    """Open a network on the CPU.

    Few threads that sleep while they wait: a spinning thread steals the time of its neighbours, and a live
    page has many (a kernel per visitor, a browser, a server).

    Args:
        weights: from `fer_lib.weights`, verified.
        threads: how many work on one answer.

    Raises:
        ValueError: if the file is no network that ONNX Runtime understands.
    """
    _share_memory()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.use_env_allocators", "1")
    try:
        return onnxruntime.InferenceSession(weights.path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own kinds of error share no base class
        raise ValueError(f"the weights `{weights.name}` must be a network for ONNX Runtime, but: {error}") from error


@cache
def _share_memory() -> None:
    """Let all networks of the process work in one memory: they run one after another, and each alone would keep its own."""
    cpu = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(cpu, None)
