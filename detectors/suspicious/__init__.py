"""Input that looks made to learn about the model: outliers, probes, scores at the boundary."""
