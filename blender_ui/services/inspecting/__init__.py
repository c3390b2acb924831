"""The researcher's figures: decisions, versions, members, votes, and what-if.

Touches: rows, read only, and versions' predictions kept beside the store.
Not for: changing anything.
"""
