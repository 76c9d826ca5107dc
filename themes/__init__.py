"""How the console looks: one Theme for dark rooms, one for bright ones, and the stylesheets beside them.

The colours are chosen for contrast: at least 4.5:1 for every word on its background, in both themes
(tests/ui/test_themes.py measures it). Production is white on red in each of them.
"""

from pathlib import Path, PurePath

from textual.theme import Theme

_FOLDER = Path(__file__).parent
STYLESHEETS: list[str | PurePath] = [
    _FOLDER / f"{name}.tcss" for name in ("roles", "war_room", "dialogs", "ascii")
]

DARK = Theme(
    name="warroom-dark",
    dark=True,
    primary="#6cb6ff",
    accent="#6cb6ff",
    foreground="#d7dde5",
    background="#0f1216",
    surface="#171b21",
    panel="#222831",
    success="#6bcf8e",
    warning="#f0b849",
    error="#ff8078",
    variables={
        "dim": "#8d97a5",
        "strong": "#ffffff",
        "press-fg": "#0f1216",
        "press-bg": "#6cb6ff",
        "alarm-fg": "#ffffff",
        "alarm-bg": "#b3261e",
        "actor-fg": "#ffffff",
        "actor-bg": "#37495f",
        "critical-fg": "#ffffff",
        "critical-bg": "#c4161c",
        "medium-fg": "#1a1300",
        "medium-bg": "#e3a62b",
        "low-fg": "#7fd1c7",
    },
)
LIGHT = Theme(
    name="warroom-light",
    dark=False,
    primary="#0550ae",
    accent="#0550ae",
    foreground="#1b1f24",
    background="#fbfbfa",
    surface="#f1f1ef",
    panel="#e4e4e0",
    success="#116932",
    warning="#855000",
    error="#b3151b",
    variables={
        "dim": "#5b6470",
        "strong": "#000000",
        "press-fg": "#ffffff",
        "press-bg": "#0550ae",
        "alarm-fg": "#ffffff",
        "alarm-bg": "#b3151b",
        "actor-fg": "#ffffff",
        "actor-bg": "#3c4c60",
        "critical-fg": "#ffffff",
        "critical-bg": "#b3151b",
        "medium-fg": "#1a1300",
        "medium-bg": "#f2b01e",
        "low-fg": "#0b5a63",
    },
)
THEMES: dict[str, Theme] = {"dark": DARK, "light": LIGHT}
