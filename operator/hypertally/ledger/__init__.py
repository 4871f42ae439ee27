"""Pure accounting: vectors, claims, fit. No I/O, no clock, no globals."""
