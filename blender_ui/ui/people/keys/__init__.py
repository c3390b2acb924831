"""The keys of programs on the people page: made, shown once, revoked."""
