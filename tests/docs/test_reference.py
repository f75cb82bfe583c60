"""The reference says what the code says."""

from __future__ import annotations

import pytest

from counterfoil.settings import LimitSettings, ServerSettings, Settings, load_settings, shown
from tools.reference_pages import FOLDER, PAGES, page


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_says(name: str) -> None:
    written = (FOLDER / name).read_text(encoding="utf-8")
    assert written == page(name), "run `make docs` and commit the pages"


def test_every_setting_is_documented() -> None:
    text = (FOLDER / "settings.md").read_text(encoding="utf-8")
    for name, _, _ in shown(load_settings()):
        assert f"`{name}`" in text
        assert f"`COUNTERFOIL_{name.upper().replace('.', '__')}`" in text
    for table in (Settings, LimitSettings, ServerSettings):
        assert all(field.description for field in table.model_fields.values())
