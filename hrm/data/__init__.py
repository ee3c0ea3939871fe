"""Boards on disk: the cache of generated boards, the public format, and public data sets."""
