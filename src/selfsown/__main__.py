"""`python -m selfsown`, which the launchers need."""

from selfsown.cli import main

main()
