"""The door of the workers: jobs carry ids only, re-read their rows, and may be lost or doubled at no harm.

The dotted paths of the job functions are a wire format: they are never renamed.
"""
