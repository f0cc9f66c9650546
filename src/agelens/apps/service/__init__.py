"""The predictor over HTTP: bounded, batched, observed; it writes no image to disk or log."""
