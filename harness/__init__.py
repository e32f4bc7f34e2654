"""Shared by tests, benchmarks and stress tests: browser, servers, camera, clips, scripted visitor, proxy."""
