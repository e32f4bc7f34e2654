"""Stress tests: fuzzing, fault injection, floods, slow clients, and endurance."""
