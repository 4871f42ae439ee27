"""`kubectl hypertally`: what a person asks of the fleet, and the operator's word on a host."""
