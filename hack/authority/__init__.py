"""Who may do what, as data: the tests walk it on a real API server, and docs/security.md shows it."""
