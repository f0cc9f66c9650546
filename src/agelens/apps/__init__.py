"""What is built on the predictor: competition submissions, the demo, the Space."""
