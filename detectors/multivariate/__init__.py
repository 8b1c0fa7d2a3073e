"""What no single column shows: shifts and changed relations of several columns together."""
