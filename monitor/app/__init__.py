"""The composition root: configuration in, a running daemon out. Nothing else wires parts."""
