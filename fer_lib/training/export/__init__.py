"""Export of trained networks: ONNX file, model card, curves."""
