"""How good a bundle is on labelled faces."""
