"""Detectors that read one record after the other and alarm at a record.

They promise a *run length*: how many records pass between two false alarms, on average, while the
records are independent draws from the baseline. Real records rarely are, which is why these have
no part in the false-alarm budget unless somebody gives them one; see each module.
"""
