"""The images of agent and controller: built with whichever builder the machine has."""
