"""The people page: accounts and their roles, invitation links, the audit trail."""
