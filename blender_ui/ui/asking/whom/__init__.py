"""Whom a question is asked: the best for it, everybody, or who is ticked; and who can be asked also."""
