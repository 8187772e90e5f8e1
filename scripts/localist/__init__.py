"""What the workflow's scripts share: locality constraints, blocks, measures and claims."""

__version__ = "0.2.0"
