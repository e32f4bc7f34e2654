"""Verified weights become a network that answers."""

from __future__ import annotations

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
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(weights.path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own kinds of error share no base class
        raise ValueError(f"the weights `{weights.name}` must be a network for ONNX Runtime, but: {error}") from error
