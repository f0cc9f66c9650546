"""What a model is, where it lies, and how it is published."""
