"""Versions of what was trained: which there are, which one serves, who decided so and why.

Touches: rows of versions and promotions, and their folders on the disk.
Not for: training one (`training`).
"""
