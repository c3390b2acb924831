"""Rows: tables, connections, migrations and queries. Knows nothing of models, text or pages."""
