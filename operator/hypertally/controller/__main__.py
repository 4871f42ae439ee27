"""`python -m hypertally.controller`."""

from .main import main

main()
