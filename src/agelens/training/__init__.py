"""Training with PyTorch Lightning: a recipe and a manifest in, a run folder out. Needs torch."""
