"""The program: command line, engine, store and everything headless."""

__version__ = "0.1.0"
