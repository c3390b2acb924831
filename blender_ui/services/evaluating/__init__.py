"""Does blending help: members, best-ranked and fused answers on the same prompts, beside references.

Touches: members, rankers and fusers; answers kept in a file of their own.
Not for: what people say of answers (`inspecting`).
"""
