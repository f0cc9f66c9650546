"""Programs built on the predictor: the service, big jobs, competition submissions, the demo page."""
