"""`python -m headwater.cli` is the same as `headwater`."""

from headwater.cli import main

main()
