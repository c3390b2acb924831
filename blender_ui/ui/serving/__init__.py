"""What stands between a browser and the pages: hosts, the gate, the guard of every handler, the server."""
