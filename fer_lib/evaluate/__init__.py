"""Evaluation of ONNX weights on a folder of labelled images: metrics, slices, robustness, model card (without torch)."""
