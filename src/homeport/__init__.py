"""homeport: everything a developer does with 127.0.0.1, behind one door."""

__version__ = "0.1.0"
