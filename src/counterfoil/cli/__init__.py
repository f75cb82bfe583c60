"""The command line: one module a command, and what they share.

Nothing here is imported by ``import counterfoil``. It needs the ``cli`` extra.
"""
