"""``python -m agelens`` is ``agelens``."""

from agelens.cli.main import main

main()
