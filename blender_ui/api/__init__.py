"""The blend and the ranker as endpoints that programs use, beside the pages in one process, at one port.

Touches: services. Not for: pages; nothing here knows Gradio or rows.
"""
