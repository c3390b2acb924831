"""Webhooks on the people page: made, shown once, tried, removed, and their log."""
