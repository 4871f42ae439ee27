"""`python -m hypertally.plugin`."""

from .main import main

main()
