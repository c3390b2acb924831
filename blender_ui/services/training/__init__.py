"""Training a version from people's votes, in steps that may each be repeated.

Touches: jobs, readings, and versions at the end.
Not for: which process runs it (`worker`).
"""
