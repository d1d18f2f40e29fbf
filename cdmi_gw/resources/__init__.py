"""Falcon resources: parse, call the door, render."""
