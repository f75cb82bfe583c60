"""Wording: how events and times are told to people, the same at every face."""
