"""Devices, GPU leases, memory, batches, threads."""
