"""MTCNN face detection with ONNX Runtime."""
