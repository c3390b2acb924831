"""Asking LLMs: one protocol, one client, a supervised child process for each that runs here.

Nothing that this package's ``registry`` imports imports torch; ``local.transformers_server`` does, and
runs only as a process of its own.
"""
