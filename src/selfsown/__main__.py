"""`python -m selfsown`, which the launchers need."""

from selfsown.cli import main

if __name__ == "__main__":  # processes that are spawned import this file again
    main()
