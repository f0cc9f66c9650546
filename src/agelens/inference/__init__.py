"""A model and faces become answers."""
