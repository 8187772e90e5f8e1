"""The smoke study's report: one self-contained file that a browser shows without a network."""

import re
import shutil
import subprocess

import pytest
from conftest import SMOKE

pytestmark = pytest.mark.slow

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Loads every picture of the report, and writes its name and width into the page.
PROBE = """<script>
window.addEventListener("load", async () => {
  const pictures = Object.values(results).filter(result => result.mime_type.startsWith("image/"));
  const widths = await Promise.all(pictures.map(picture => new Promise(done => {
    const image = new Image();
    image.onload = () => done(`${picture.name}=${image.naturalWidth}`);
    image.onerror = () => done(`${picture.name}=0`);
    image.src = picture.data_uri;
  })));
  const told = document.createElement("pre");
  told.id = "probe";
  told.textContent = widths.join(" ");
  document.body.append(told);
});
</script></body>"""


@pytest.fixture(scope="module")
def report(smoke, tmp_path_factory):
    """The report of the smoke study."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    done = smoke.snakemake(SMOKE, "--report", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    return path


@pytest.fixture
def figures(smoke):
    """The names of the study's figures."""
    return {path.name for path in (smoke.folder / "results" / "smoke" / "figures").glob("*.png")}


def test_the_report_is_one_file_with_every_figure_and_page(report, figures):
    """Catches figures, pages or captions that the report cannot include, and a report too large to email."""
    page = report.read_text(encoding="utf-8")
    assert len(page) < 15_000_000
    assert len(figures) == 17 and all(name in page for name in figures)
    pages = ("summary", "claims", "published", "blocks", "extraction", "study", "explorer")
    assert all(f"{name}.html" in page for name in pages)


@pytest.mark.skipif(not BROWSER, reason="no chromium or chrome on this machine")
def test_a_browser_shows_the_report_without_a_network(report, figures, tmp_path):
    """Catches pictures that do not load, errors in the console, and anything fetched from elsewhere."""
    probed = tmp_path / "probed.html"
    probed.write_text(PROBE.join(report.read_text(encoding="utf-8").rsplit("</body>", 1)), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    options += ["--enable-logging=stderr", "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=20000"]
    done = subprocess.run(
        [BROWSER, *options, "--dump-dom", probed.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    widths = dict(re.findall(r"(\S+)=(\d+)", re.search(r'id="probe">([^<]*)', done.stdout)[1]))
    assert set(widths) == figures and all(int(width) > 500 for width in widths.values())
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert [line for line in said if re.search(r"Uncaught|Error|ERR_|Failed", line)] == []
