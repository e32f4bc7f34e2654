"""Open verified weights as ONNX Runtime sessions."""

from __future__ import annotations

from functools import cache

import onnxruntime

from fer_lib.weights import Weights


def open_network(weights: Weights, threads: int = 1) -> onnxruntime.InferenceSession:
    """Open a network on the CPU.

    Threads do not spin while they wait: a spinning thread would take CPU time from other processes, of which a live
    page has many (a kernel per visitor, a browser, a server).

    Args:
        weights: verified weights.
        threads: intra-op threads of a run.

    Raises:
        ValueError: if ONNX Runtime can't open the file.
    """
    _share_allocator()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.use_env_allocators", "1")
    try:
        return onnxruntime.InferenceSession(weights.path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the errors of ONNX Runtime have no common base class
        raise ValueError(
            f"the weights `{weights.name}` must be an ONNX network, but ONNX Runtime reports: {error}"
        ) from error


@cache
def _share_allocator() -> None:
    """Register one arena allocator for all sessions of the process, which run one after another."""
    cpu = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(cpu, None)
