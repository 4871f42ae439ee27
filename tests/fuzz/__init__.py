"""Documents that no host should send, and what must hold all the same."""
