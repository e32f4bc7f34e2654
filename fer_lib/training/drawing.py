"""Former name of the command `python -m fer_lib.dataset.synthetic`; kept for one version."""

from fer_lib.dataset.synthetic import main

if __name__ == "__main__":
    main()
