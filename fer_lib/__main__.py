"""`python -m fer_lib` is `fer-lib`."""

from fer_lib.cli.main import script

if __name__ == "__main__":
    script()
