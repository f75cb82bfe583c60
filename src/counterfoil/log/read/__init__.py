"""Reading: everything that is asked of a log."""
