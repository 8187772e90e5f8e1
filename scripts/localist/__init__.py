"""Code shared by the workflow's scripts: locality constraints, blocks, measures and claims."""

__version__ = "0.2.0"
