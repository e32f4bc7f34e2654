"""Loaders of published weights that a training starts from."""
