"""Local HTTP servers that speak enough of the hubs' protocols for the hubs' real clients."""
