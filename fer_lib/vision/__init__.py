"""How a frame is understood: detection, recognition, tracking, smoothing."""
