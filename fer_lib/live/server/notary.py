"""Notebook notary of the stand-alone page, whose key and signatures exist in memory only.

By default the notary of Jupyter writes its key into the home directory, which may be read-only, as in a container.
"""

from __future__ import annotations

import secrets

from jupyter_server.services.contents.manager import ContentsManager
from nbformat.sign import MemorySignatureStore, NotebookNotary

SECRET_BYTES = 64  # block size of SHA-256, which the notary uses for its HMAC


def use_memory_notary(contents: ContentsManager) -> None:
    """Replace the notary of a contents manager with one that has a random key; no file is read or written."""
    secret = secrets.token_bytes(SECRET_BYTES)
    contents.notary = NotebookNotary(parent=contents, secret=secret, store_factory=MemorySignatureStore)
