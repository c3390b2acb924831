"""Rows in, rows out: functions ``(session, *, ...)`` by noun. They flush and never commit."""
