"""What both programs have in common at their edges: how they are told what to do, logs, health and metrics."""
