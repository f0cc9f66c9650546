"""The version of the package, stamped into every bundle and run."""

__version__ = "0.1.0"
