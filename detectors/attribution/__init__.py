"""Why a column moved: in which slice of the rows, and because of which other column."""
