"""Publish the records of German town councils as linked open data."""

__version__ = "0.1.0"
