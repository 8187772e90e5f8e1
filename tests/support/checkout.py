"""Paths of the code under test."""

from pathlib import Path

from localist.plumbing.source_files import used_templates

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
SUPPORT = Path(__file__).parent
TEMPLATES = ROOT / "workflow" / "report" / "templates"


def templates(page: str) -> list[Path]:
    """A page's template and those that it uses, as its rule passes them to the script."""
    return used_templates(TEMPLATES / page)
