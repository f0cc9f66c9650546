"""The command line: one module a command, which imports what is heavy only once it runs."""
