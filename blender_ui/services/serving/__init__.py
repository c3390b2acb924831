"""Answers a program's conversation with what the members, the ranker and the fuser make of it; lists rows.

Touches: the rooms that ask, choose, rank and fuse; it stores nothing of its own.
Not for: HTTP, and what a key may do.
"""
