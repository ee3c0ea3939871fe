"""One configurable hierarchical reasoning model, its tasks and its training.

Importing this package loads neither torch nor numpy: configurations and recipes are plain data.
"""
