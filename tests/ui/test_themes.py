"""Every word can be read in both themes, and production looks like production in each."""

import re
from pathlib import Path

import pytest
from textual.color import Color
from textual.theme import Theme

from screens.lines import Role
from themes import STYLESHEETS, THEMES

LEAST = 4.5
"""WCAG AA for text."""


def _contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [part / 255 for part in Color.parse(colour).rgb]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _words_on_the_background(theme: Theme) -> dict[str, str]:
    own = {
        name: str(getattr(theme, name)) for name in ("foreground", "success", "warning", "error", "accent")
    }
    return {**own, **{name: theme.variables[name] for name in ("dim", "strong", "low-fg")}}


@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda theme: theme.name)
def test_every_role_has_contrast_enough(theme: Theme) -> None:
    ground = str(theme.background)
    weak = {k: v for k, v in _words_on_the_background(theme).items() if _contrast(v, ground) < LEAST}
    assert weak == {}
    for role in ("press", "alarm", "actor", "critical", "medium"):
        assert _contrast(theme.variables[f"{role}-fg"], theme.variables[f"{role}-bg"]) >= LEAST
    assert _contrast(theme.variables["dim"], str(theme.panel)) >= LEAST, "what a field says before one types"


@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda theme: theme.name)
def test_production_is_white_on_red(theme: Theme) -> None:
    red, green, blue = Color.parse(theme.variables["critical-bg"]).rgb
    assert theme.variables["critical-fg"] == "#ffffff"
    assert red > 150 > 60 > max(green, blue)


def test_every_role_is_styled_and_every_variable_exists_in_both_themes() -> None:
    """A colour that only one theme knows would break the other at the press of a key."""
    sheets = "\n".join(Path(sheet).read_text("utf-8") for sheet in STYLESHEETS)
    assert {role for role in Role if f".role--{role} " not in sheets} == set()
    builtin = {"background", "foreground", "success", "warning", "error", "accent", "panel"}
    used = set(re.findall(r"\$([a-z-]+)", sheets)) - builtin
    for theme in THEMES.values():
        assert used <= set(theme.variables)
