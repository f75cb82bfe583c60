"""Writing: from a call to committed events, and what bridges a store that is away."""
