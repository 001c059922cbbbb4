"""Measure homeport beside its peers."""
