"""The program that keeps the books."""
