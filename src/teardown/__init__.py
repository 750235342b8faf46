"""How TCP connections end: an engine, its figures and its labs."""

__version__ = "0.1.0"
