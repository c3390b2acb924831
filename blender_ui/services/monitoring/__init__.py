"""How a project, the label queue and the installation are doing, in counts.

Touches: rows, read only, and what members' last answers told.
Not for: the quality of rankers and members; `inspecting` measures it.
"""
