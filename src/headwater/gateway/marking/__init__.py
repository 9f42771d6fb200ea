"""Tickets on their way to the engine: which mark an answer gets is said here, signed, and by nobody else."""
