"""The images of a release, as the params of a step and as the facts of one that replaces them."""

from collections.abc import Mapping

_IMAGE = "image."
"""Begins the params, and the facts, that say the image of a component."""


def frozen_images(images: Mapping[str, str]) -> dict[str, str]:
    """The image of each component, as params or facts."""
    return {f"{_IMAGE}{component}": image for component, image in images.items()}


def images_of(params: Mapping[str, str]) -> dict[str, str]:
    """The image of each component, from params or facts among others."""
    return {name.removeprefix(_IMAGE): image for name, image in params.items() if name.startswith(_IMAGE)}
