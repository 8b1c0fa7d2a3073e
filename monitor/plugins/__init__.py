"""Detectors that live in processes of their own, with their own Python and their own packages.

A worker is a program that answers framed requests on its standard streams. What it says reaches the
engine as a control entry of the journal, so that a replay needs no worker. Nothing that a worker
does, crash, hang, eat memory or talk nonsense, does more than make a finding that says so.
"""
