"""What both programs show of themselves: logs, health and metrics."""
