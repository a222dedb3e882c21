"""Adversarially trained linear regression on Gaussian data: exact solver, curves, simulation."""
