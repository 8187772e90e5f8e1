"""Where the code under test lies."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
SUPPORT = Path(__file__).parent
