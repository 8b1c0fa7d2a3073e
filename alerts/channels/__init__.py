"""Where notifications go: one file per kind of receiver, and the guarded transport they share."""
