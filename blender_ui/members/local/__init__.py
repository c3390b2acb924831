"""Members that run on this machine: child processes, supervised, that speak OpenAI's protocol.

``transformers_server`` and ``checkpoint`` import torch, and run as a process of their own.
"""
