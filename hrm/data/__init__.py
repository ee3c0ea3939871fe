"""Boards on disk: the cache of generated ones, the field's public format, and its data sets."""
