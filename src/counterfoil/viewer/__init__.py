"""The viewer: pages for people, rendered on the server."""
