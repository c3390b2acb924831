"""The one client of members' endpoints, by OpenAI's protocol: the request, the stream, every failure."""
