"""Programs that run in another Python: they import nothing of driftd but their neighbours here."""
