"""Files that come with an installed Python package: `package:NAME/PATH` in place of a path."""

from importlib.util import find_spec
from pathlib import Path

from options.errors import UserError
from options.install import install_command

PREFIX = "package:"


def local_path(name: str, option: str) -> str:
    """Return the path of a file or folder that is named `package:NAME/PATH`, and any other text as it is.

    The package is found, not imported. Raises UserError, which names the option, where it or the file in it is missing.
    """
    if not name.startswith(PREFIX):
        return name
    package, _, inside = name.removeprefix(PREFIX).partition("/")
    folder = _folder(package)
    if folder is None:
        raise UserError(
            f"{option}: {name!r}: there is no Python package {package!r}; "
            f"`{install_command(package.replace('_', '-'))}` installs it (see the requirements files for the version)"
        )
    path = folder / inside
    if not inside or not path.exists():
        raise UserError(f"{option}: {name!r}: the package has no such file or folder ({path})")
    return str(path)


def is_local(name: str) -> bool:
    """Tell whether a name stands for files of this machine, so that no hub has to be asked for it."""
    return name.startswith(PREFIX) or Path(name).exists()


def _folder(package: str) -> Path | None:
    try:
        spec = find_spec(package) if package.isidentifier() else None
    except (ImportError, ValueError):
        return None
    places = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(places))) if places else None
