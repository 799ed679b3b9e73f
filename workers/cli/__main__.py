"""`python -m workers.cli` is `hashi`."""

from workers.cli import main

main()
