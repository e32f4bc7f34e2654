"""Weights and a folder of images become a report: how good a network is, and where it fails. No torch here."""
