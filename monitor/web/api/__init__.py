"""The read and operate API of DESIGN.md section 6; handlers parse, call, answer."""
