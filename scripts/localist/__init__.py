"""Progressive localisation: locality schedules, block partitions, the training constraint and its measures."""
