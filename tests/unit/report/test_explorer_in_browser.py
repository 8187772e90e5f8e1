"""The explorer in a real browser: clicks, the display, and views restored from an address."""

import numpy as np
import pytest
from browser import MISSING, browser, requests
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait
from test_explorer import HOSTILE, attention, page_of

from localist.report.explorer import ArmPassages

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(MISSING), reason=MISSING)]

BLOCKS = [-1, 4, 4, 9, 9, 4]
PASSAGES = [
    {"title": "One", "tokens": ["", "The", " sea", " is", " so", " wide"], "blocks": BLOCKS, "sentences": BLOCKS},
    {"title": HOSTILE, "tokens": ["", HOSTILE, "\"'`", "שלום", "😀", ""], "blocks": BLOCKS, "sentences": BLOCKS},
]
NAMES = {
    4: {"name": "sea, wide", "words": "ship", "topic": "sea", "places": "A book (90%)"},
    9: {"name": HOSTILE, "words": "", "topic": "", "places": ""},
}
LAYERS, HEADS = 3, 2


def arm(name, seed, heads=False):
    matrices = [attention(LAYERS, 6, seed), attention(LAYERS, 6, seed + 1)]
    by_head = (
        [np.stack([attention(LAYERS, 6, seed + n) for n in range(HEADS)], axis=1) for _ in matrices] if heads else None
    )
    losses = [np.array([np.nan, 1, 2, 3, 4, 5.125]) + seed] * 2
    return ArmPassages(name, matrices, by_head, losses, [0.5] * LAYERS)


ARMS = [arm("distributed", 0), arm("quintic", 10, heads=True)]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    path = tmp_path_factory.mktemp("explorer") / "explorer.html"
    path.write_text(page_of(ARMS, PASSAGES, NAMES), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def driver():
    with browser() as found:
        yield found


def opened(driver, address, said=""):
    driver.get("about:blank")
    driver.get(address + said)
    WebDriverWait(driver, 20).until(lambda one: one.find_elements(By.CSS_SELECTOR, "body[data-ready]"))


def tokens(driver, panel=0):
    return driver.find_elements(By.CSS_SELECTOR, f".text[data-panel='{panel}'] .token")


def shares(driver, name):
    """The shown shares of an arm's attention: label → share."""
    rows = driver.find_elements(By.CSS_SELECTOR, f"#details [data-arm='{name}'] table:first-of-type tr")[1:]
    cells = ([cell.text for cell in row.find_elements(By.TAG_NAME, "td")] for row in rows)
    return {label: float(share.removesuffix(" %")) / 100 for label, share in cells}


def test_shown_shares_are_those_of_the_file(driver, address):
    """Catches attention of another token, layer, arm or head, and a block's share with the sink or the token."""
    opened(driver, address, "#passage=0&a=distributed&b=quintic&layer=1&token=5&head=mean")
    for one in ARMS:
        row = one.attention[0][1, 5]
        expected = {"own block: sea, wide": row[1] + row[2], HOSTILE: row[3] + row[4], "itself": row[5]}
        expected |= {"the first position (sink)": row[0]}
        shown = {" ".join(label.split()): share for label, share in shares(driver, one.name).items()}
        assert shown == {" ".join(key.split()): pytest.approx(value, rel=0.05) for key, value in expected.items()}
    Select(driver.find_element(By.ID, "head")).select_by_value("1")
    assert shares(driver, "quintic")["itself"] == pytest.approx(ARMS[1].heads[0][1, 1, 5, 5], rel=0.05)
    assert shares(driver, "distributed")["itself"] == pytest.approx(ARMS[0].attention[0][1, 5, 5], rel=0.05)
    details = driver.find_element(By.ID, "details").text
    assert "5.125" in details and "15.125" in details and "+10.00" in details


def test_tokens_keys_and_layers_change_the_view_and_the_address(driver, address):
    """Catches clicks and keys without effect, and an address that does not restore the view."""
    opened(driver, address)
    tokens(driver)[3].click()
    assert "token=3" in driver.current_url and "chosen" in tokens(driver)[3].get_attribute("class")
    before = [token.get_attribute("style") for token in tokens(driver)]
    driver.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    assert "layer=1" in driver.current_url
    assert [token.get_attribute("style") for token in tokens(driver)] != before
    driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    driver.find_element(By.CSS_SELECTOR, "[data-layer='0']").click()
    assert "token=4" in driver.current_url and "layer=0" in driver.current_url
    Select(driver.find_element(By.ID, "view")).select_by_value("difference")
    assert (
        "points" in tokens(driver)[1].get_attribute("title")
        and len(driver.find_elements(By.CSS_SELECTOR, ".text")) == 1
    )
    shown, said = driver.find_element(By.TAG_NAME, "main").text, driver.current_url
    opened(driver, said)
    assert driver.find_element(By.TAG_NAME, "main").text == shown


@pytest.mark.parametrize("said", ["#passage=9&layer=-1&token=x&a=nobody&head=77", "#", "#%ff=&token=1e9"])
def test_an_invalid_address_shows_the_initial_view(driver, address, said):
    """Catches an empty page for a link from another study."""
    opened(driver, address, said)
    assert len(tokens(driver)) == 6 and driver.find_elements(By.CSS_SELECTOR, ".chosen")


def test_hostile_text_is_shown_and_nothing_is_requested(driver, address):
    """Catches corpus text that becomes markup, console errors, and any request except that for the page."""
    driver.get_log("browser"), requests(driver)
    opened(driver, address, "#passage=1&token=4")
    assert tokens(driver)[1].text.split() == HOSTILE.split() and tokens(driver)[4].text == "😀"
    assert len(driver.find_elements(By.TAG_NAME, "script")) == 3
    assert [entry for entry in driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
    assert [url.partition("#")[0] for url in requests(driver) if not url.startswith("about:")] == [address]


@pytest.mark.parametrize("width", [800, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_fits_the_window_width(address, width, dark):
    """Catches text and panels that are wider than the window."""
    with browser(width, dark=dark) as driver:
        opened(driver, address)
        assert driver.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
