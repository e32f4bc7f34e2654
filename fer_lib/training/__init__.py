"""Training of the emotion network; the only package that imports torch."""
