"""Who hears about a finding, when, and how often. Knows nothing of detectors or of the database."""
