"""Early and late layers of a model, as used in the measures."""


def late_layers(layers: int) -> range:
    """The last third of the layers (at least one)."""
    return range(layers - max(1, layers // 3), layers)


def early_layers(layers: int) -> range:
    """The first half of the layers (at least one)."""
    return range(max(1, layers // 2))
