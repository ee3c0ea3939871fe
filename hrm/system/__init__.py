"""Access to the machine: processes, signals, files, versions, and shared parts of command lines."""
