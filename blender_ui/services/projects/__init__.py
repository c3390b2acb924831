"""Projects: their terms, prompts and questions, and the one that a person works in.

Touches: rows of projects; every change leaves an audit event.
Not for: who people are and what they may do; `people` knows that.
"""
