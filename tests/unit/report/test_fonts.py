"""Text of any script in figures: drawn with an installed font, or in Latin letters."""

import warnings

import matplotlib
import pytest
from matplotlib.font_manager import fontManager

from localist.report import fonts
from localist.report.figures import figure_style, new_figure, save_figure, shortened

SCRIPT_A = "\N{MATHEMATICAL SCRIPT CAPITAL A}"  # not in DejaVu Sans, but in a font that comes with Matplotlib
TITLES = ["紅樓夢", "吾輩は猫である", "รามเกียรติ์", "الف ليلة وليلة", "ספר בראשית", "गोदान", "Война и мир", "Le Père"]


@pytest.fixture
def installed(monkeypatch):
    """Set the installed fonts: all that come with Matplotlib, or none."""

    def choose(some):
        own = matplotlib.get_data_path()
        kept = [entry for entry in fontManager.ttflist if some and entry.fname.startswith(own)]
        monkeypatch.setattr(fontManager, "ttflist", kept)
        for function in (fonts._fonts_for, fonts._regular_fonts):
            function.cache_clear()

    yield choose
    for function in (fonts._fonts_for, fonts._regular_fonts):
        function.cache_clear()


def drawn(names, pdf, png):
    """Draw names as the labels of an axis; a glyph that no font has is an error."""
    with figure_style(), warnings.catch_warnings():
        warnings.simplefilter("error")
        figure, (axes,) = new_figure(2)
        axes.set_yticks(range(len(names)), names)
        save_figure(figure, pdf, png)
    return pdf.read_bytes(), png.read_bytes()


def test_installed_fonts_supply_missing_letters(installed, tmp_path, caplog):
    """Catches boxes although an installed font has the letters, a font of boxes, and bytes that differ between runs."""
    installed(True)
    assert [entry.name for entry in fonts._fonts_for(SCRIPT_A)] == ["STIXGeneral"]
    assert shortened(f"{SCRIPT_A} title", 20) == f"{SCRIPT_A} title"
    first = drawn([f"{SCRIPT_A} title", "plain"], tmp_path / "1.pdf", tmp_path / "1.png")
    assert first == drawn([f"{SCRIPT_A} title", "plain"], tmp_path / "2.pdf", tmp_path / "2.png")
    assert not caplog.messages


def test_letters_without_a_font_are_transliterated_with_a_warning(installed, tmp_path, caplog):
    """Catches titles drawn as boxes, and letters changed unnecessarily or without a warning."""
    installed(False)
    names = [shortened(title, 20) for title in TITLES]
    assert names == ["HongLouMeng", "WuBeihaMaodearu", "ramekiyrti", *TITLES[3:5], "godan", *TITLES[6:]]
    assert "No installed font covers all characters of '紅樓夢'; it is drawn as 'HongLouMeng'." in caplog.messages
    first = drawn(names, tmp_path / "1.pdf", tmp_path / "1.png")
    assert first == drawn(names, tmp_path / "2.pdf", tmp_path / "2.png")


def test_wide_letters_count_as_two(monkeypatch):
    """Catches Chinese titles that are too wide for a figure."""
    monkeypatch.setattr(fonts, "legible", lambda text: text)
    monkeypatch.setattr("localist.report.figures.legible", lambda text: text)
    assert fonts.columns("紅樓夢 ab") == 9
    assert shortened("紅樓夢" * 4, 24) == "紅樓夢" * 4
    assert shortened("紅樓夢" * 4, 11) == "紅樓夢紅樓…"
