"""The demo: one page, on this machine or as a Space."""
