"""Which members to ask a prompt: the active chooser's proposal, and why.

Touches: the active version's row, and how members did so far; writes nothing.
Not for: asking them (`asking`), training a chooser (`training`).
"""
