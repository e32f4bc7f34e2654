"""Limits and checks that protect the service: hosts and origins, connections, bodies and memory."""
