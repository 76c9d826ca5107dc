"""The configuration files that Compose made containers of, as their labels name them: copied, or masked."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from console.core.errors import StatedError
from console.core.redaction import Redactor
from console.targets.docker.engine import Facts
from console.targets.docker.masking import NoComposeError, masked

FILES = "com.docker.compose.project.config_files"
FOLDER = "com.docker.compose.project.working_dir"
_KINDS = {".yml", ".yaml", ".json"}
_LARGEST = 1 << 20


class NoFileError(StatedError):
    """A file cannot be copied; one line."""


def files_of(all_told: Iterable[Facts]) -> list[Path]:
    """Those that the containers' labels name, each once."""
    return sorted({path for told in all_told for path in _files(told["Config"].get("Labels") or {})})


def _files(labels: dict[str, str]) -> Iterator[Path]:
    for name in filter(None, labels.get(FILES, "").split(",")):
        yield Path(labels.get(FOLDER, "/")) / name


def copy(path: Path, to: Path, mask: Redactor | None) -> Path:
    """Copy a file of Compose, and nothing else that a label may name; where the copy is, beside `to`.

    With a mask, without what may be a secret in it. NoFileError when there is no such file, OSError when
    the copy cannot be written.
    """
    if path.suffix not in _KINDS or not path.is_absolute():
        raise NoFileError(f"{path} is no file of Compose by its name")
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            raise NoFileError(f"{path} is not there, or is no file of Compose by its size")
        text = path.read_bytes()
    except OSError as error:
        raise NoFileError(f"{path} cannot be read: {error.strerror}") from error
    if mask is not None:
        to, text = to.with_suffix(".masked.yml"), _masked(path, text, mask)
    to.write_bytes(text)
    return to


def _masked(path: Path, text: bytes, mask: Redactor) -> bytes:
    try:
        return masked(text.decode(), mask).encode()
    except (NoComposeError, UnicodeDecodeError) as error:
        raise NoFileError(
            f"{path} cannot be read as Compose's, and goes as it is into an encrypted backup alone: {error}"
        ) from None
