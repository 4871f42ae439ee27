"""All of Hypertally on real parts while these are killed, stopped, cut off and lied to: `python -m tests.chaos`."""
