"""`python -m ablations` is `ablations`."""

from ablations.cli import main

main()
