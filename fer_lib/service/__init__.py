"""The same pipeline over HTTP, on one machine or many."""
