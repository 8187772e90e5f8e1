"""Text and markup: Jinja2 templates rendered from plain data."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import DictLoader, Environment, StrictUndefined, Template

HTML = ".html.j2"


def render(templates: Sequence[Path], **data: object) -> str:
    """Render the first template; the others are those that it extends, imports or includes (see `load`)."""
    return load(templates).render(**data)


def load(templates: Sequence[Path]) -> Template:
    """The first of these files as a template, which can use only the others.

    In templates named *.html.j2, every value is escaped. A missing template or value is an error.
    """
    environment = Environment(
        loader=DictLoader({path.name: path.read_text(encoding="utf-8") for path in templates}),
        autoescape=lambda name: bool(name and name.endswith(HTML)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(templates[0].name)
