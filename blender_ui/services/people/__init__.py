"""Accounts, sessions, roles, invitations, keys and the audit trail.

Touches: rows of accounts; every change leaves an audit event.
Not for: what people label.
"""
