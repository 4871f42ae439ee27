"""A live Hypertally on this machine: real API server, controller and agent, for a person to look at."""
