"""Does a scheduler keep the contract of docs/schedulers.md? `python -m conformance --scheduler 'COMMAND'`.

It makes a small fleet of pretended hosts, runs the scheduler behind a proxy, and looks what it binds.
"""
