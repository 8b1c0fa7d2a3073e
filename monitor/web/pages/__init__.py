"""Server-rendered pages: read through `Queries`, shape into charts, render with Jinja2.

Geometry is computed here as plain numbers; templates turn it into SVG, so every name and value
passes through autoescaping on its way out.
"""
