"""The ledger's rules as pure functions: who holds what on a node, what fits, what is free. No I/O, no clock."""
