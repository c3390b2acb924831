"""Versions of trained models: the list, the active one of each role, and each promotion with its reason.

Touches: rows of versions and promotions, and their folders on the disk.
Not for: training one (`training`).
"""
