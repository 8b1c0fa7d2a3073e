"""Whether groups of people or things are treated alike by a model."""
