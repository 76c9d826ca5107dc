"""GitHub's filter patterns: the examples of its documentation, and what must hold of any."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.ref_filters import any_let_in, lets_in, matches

_SEGMENT = st.text("abcXYZ019._-", min_size=1, max_size=8)
_PATH = st.lists(_SEGMENT, min_size=1, max_size=5).map("/".join)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("feature/*", ["feature/my-branch", "feature/your-branch"]),
        ("feature/**", ["feature/beta-a/my-branch", "feature/mona/the/octocat"]),
        ("main", ["main"]),
        ("*", ["main", "releases", "README.md"]),
        ("**", ["all/the/branches", "every/tag"]),
        ("*feature", ["mona-feature", "feature", "ver-10-feature"]),
        ("v2*", ["v2", "v2.0", "v2.9"]),
        ("v[12].[0-9]+.[0-9]+", ["v1.10.1", "v2.0.0"]),
        ("[CB]at", ["Cat", "Bat"]),
        ("*.jsx?", ["page.js", "page.jsx"]),
        ("**.js", ["index.js", "js/index.js", "src/js/app.js"]),
        ("docs/**/*.md", ["docs/README.md", "docs/mona/hello-world.md", "docs/a/markdown/file.md"]),
        ("**/docs/**", ["docs/hello.md", "dir/docs/my-file.txt", "space/docs/plan/space.doc"]),
        ("**/README.md", ["README.md", "js/README.md"]),
        ("**/*src/**", ["a/src/app.js", "my-src/code/js/app.js"]),
        ("**/*-post.md", ["my-post.md", "path/their-post.md"]),
        ("**/migrate-*.sql", ["migrate-10909.sql", "db/sept/migrate-v1.sql"]),
    ],
)
def test_the_examples_of_the_documentation(pattern: str, names: list[str]) -> None:
    for name in names:
        assert matches(pattern, name), (pattern, name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("*", "a/b"),
        ("feature/*", "feature/a/b"),
        ("main", "main2"),
        ("v2*", "v2/x"),
        ("v[12].[0-9]+", "v1x5"),
        ("v[12]", "v3"),
        ("*.js", "js/index.js"),
        ("docs/*", "docs/a/b"),
        ("**/README.md", "js/OLD-README.md"),
        ("a**/b", "a"),
        ("colou?r", "colouur"),
        ("", "x"),
    ],
)
def test_what_a_pattern_does_not_match(pattern: str, name: str) -> None:
    assert not matches(pattern, name)


def test_the_last_pattern_that_matches_decides() -> None:
    patterns = ["releases/**", "!releases/**-alpha", "releases/x-alpha"]
    assert lets_in(patterns, "releases/10")
    assert not lets_in(patterns, "releases/beta/3-alpha")
    assert lets_in(patterns, "releases/x-alpha")
    assert not lets_in(["!main"], "main")
    assert not lets_in([], "main")


@given(_PATH)
def test_a_name_matches_itself_and_whatever_lets_all_in(name: str) -> None:
    assert matches(name, name)
    assert matches("**", name)
    assert matches("**/" + name, name)
    assert lets_in(["**", "!other/**"], name) is not name.startswith("other/")


@given(st.lists(_SEGMENT, min_size=1, max_size=5), st.integers(0, 4))
def test_a_star_is_any_one_segment_and_no_more(segments: list[str], place: int) -> None:
    place %= len(segments)
    pattern = "/".join("*" if number == place else one for number, one in enumerate(segments))
    assert matches(pattern, "/".join(segments))
    longer = [*segments[:place], "x", *segments[place:]]
    assert not matches(pattern, "/".join(longer))


@given(_PATH, _PATH)
def test_whatever_lies_below_a_folder_is_let_in_by_two_stars(folder: str, rest: str) -> None:
    assert matches(f"{folder}/**", f"{folder}/{rest}")
    assert matches(f"{folder}/**/{rest}", f"{folder}/{rest}")
    assert not matches(f"{folder}/**", folder)


@given(st.text(max_size=30), _PATH)
def test_any_text_is_a_pattern_and_none_breaks(pattern: str, name: str) -> None:
    assert matches(pattern, name) in (True, False)
    assert any_let_in([pattern, "**"], [name]) or pattern.startswith("!")
