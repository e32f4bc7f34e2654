"""Former name of the command `python -m fer_lib.dataset.fer2013`; kept for one version."""

import sys

from fer_lib.dataset.fer2013 import main
from fer_lib.terminal import prepare_streams

if __name__ == "__main__":
    prepare_streams()
    sys.exit(main(sys.argv[1:]))
