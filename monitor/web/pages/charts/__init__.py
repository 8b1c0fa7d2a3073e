"""Charts as numbers: each function maps data to frozen geometry in SVG user units."""
