"""The demo: a small shop's year, and five attempts to change it unseen."""
