"""`python -m hrm` is `hrm`, for launchers such as torchrun that take a module."""

from hrm.cli import main

main()
