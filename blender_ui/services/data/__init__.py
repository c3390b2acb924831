"""Import and export.

Touches: records on one side (`exchange`), many rows at once on the other.
Not for: file formats; `exchange` has them.
"""
