"""`python -m hrm` is `hrm`, also where a launcher such as torchrun wants a module."""

from hrm.cli import main

main()
