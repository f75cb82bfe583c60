"""Search: the language that people type, and the words by which events are found."""
