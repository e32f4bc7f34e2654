"""Widgets of the live page, its scripts and styles."""
