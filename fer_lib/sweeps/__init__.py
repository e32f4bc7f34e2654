"""Hyperparameter sweeps: many training runs as Ray tasks."""
