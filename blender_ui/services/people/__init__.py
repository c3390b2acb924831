"""Accounts, sessions, roles, invitations, projects and the audit trail.

Touches: rows of accounts and projects; every change leaves an audit event.
Not for: what people label.
"""
