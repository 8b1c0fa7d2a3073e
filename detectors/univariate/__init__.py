"""Classical two-sample statistics, vectorised over all columns of a profile at once.

They describe; under the false-alarm budget the sequential evidence decides.
"""
