"""The server: the log over HTTP."""
