"""What is recorded of a call, and how: an ordered chain from draft to draft."""
