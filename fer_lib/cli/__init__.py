"""The same from the shell: `fer-lib photo`, `video`, `live`, `evaluate`, `doctor`.

A command is a file here with `main(words) -> int`, and a line in `fer_lib.cli.main`.
"""
