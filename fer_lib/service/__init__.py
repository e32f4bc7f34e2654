"""HTTP API of the pipeline, and its Ray Serve deployment."""
