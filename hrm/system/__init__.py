"""The machine beneath: processes, signals, files, versions and the command line's frame."""
