"""Loaders of pretrained weights."""
