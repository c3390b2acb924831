"""Measurements, each a module run with ``python -m benchmarks.NAME``; the last line is JSON."""
