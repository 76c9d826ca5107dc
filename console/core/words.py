"""Small wordings that every part of the house shares."""

_MINUTE = 60
_HOUR = 3600
_DAY = 24 * _HOUR


def duration(seconds: float) -> str:
    """`00:48`, `12:07`, `3:05:00`: a length of time as a clock on the screen."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, _HOUR)
    minutes, left = divmod(rest, _MINUTE)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes:02}:{left:02}"


def took(seconds: float) -> str:
    """How long something took: `0.6 s` below ten seconds, `04:12` above. What still counts is a duration."""
    return f"{seconds:.1f} s" if seconds < 9.95 else duration(seconds)


def age(seconds: float) -> str:
    """How old something is: as a clock below a day, `6 d 3 h` above."""
    if seconds < _DAY:
        return duration(seconds)
    days, rest = divmod(int(seconds), _DAY)
    return f"{days} d {rest // _HOUR} h"


def brief(seconds: float) -> str:
    """How old something is where there is little room, in at most three cells: `2s`, `12m`, `3h`, `9d`."""
    whole = max(0, int(seconds))
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if whole >= size:
            return f"{min(99, whole // size)}{unit}"
    return f"{whole}s"
