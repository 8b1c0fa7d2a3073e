"""What the daemon keeps: storage only, it knows nothing of engines, sources or pages.

`Archive` opens and closes all of it. Stores are modules of functions that take a connection:
write ones run inside units of the `Writer`, so several of them make one transaction; read ones
run in a transaction of the `Reader`. Everything they return is a frozen value.
"""
