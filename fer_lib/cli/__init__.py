"""The command `fer-lib`.

A command is a module with `main(words, prog) -> int` and an entry of `fer_lib.cli.main.COMMANDS`. `fer_lib.command_line`
parses the words of all commands.
"""
