"""Does blending help? Compares members, best-ranked and fused answers with references.

Touches: members, rankers and fusers; answers kept in a file of their own.
Not for: people's votes (`inspecting`).
"""
