"""Tells addresses elsewhere what happened here: webhooks, their messages, and the delivery.

Not for: pages, and messages to people.
"""
