"""Runs code by the runner that is given: a prompt's own code, and the functions that answers wrote.

What it gives are values and features. Its results become evidence in ``evidence.running``, and only
``evaluation.sandbox`` may run anything. Not for: what an outcome is worth, other languages.
"""
