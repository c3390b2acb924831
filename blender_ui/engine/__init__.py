"""The process that holds torch, for every caller that needs a model.

Touches: a child process and its pipe. Not for: what a model does; loaders come in.
"""
