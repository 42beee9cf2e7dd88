"""Files that a table names, found below a folder as they are written there or nearly so."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from harness.api.image_files.medical import split_slice
from harness.api.image_files.walking import composed


@dataclass
class Locator:
    """Finds files below ``root``; what folders hold is read once."""

    root: Path
    _names: dict[Path, dict[str, str]] = field(default_factory=dict)

    def find(self, name: str) -> Path:
        """The path below ``root`` that ``name`` is meant for, there or not.

        Names may be written with the separators of Windows and in the other normal form of Unicode than on disk. Raises ``ValueError``
        where it leads out of ``root``, by links and ``..`` too.
        """
        if "\0" in name:
            raise ValueError("a path holds a null character")
        home = self.root.resolve()
        absolute = Path(name).is_absolute() or bool(PureWindowsPath(name).drive)
        if absolute and not Path(name).resolve().is_relative_to(home):
            raise ValueError(f"the path {name!r} leads out of {self.root}: paths are relative to that folder")
        path = Path(name) if absolute else self.root / name
        if not absolute and not there(path):
            path = self._on_disk(self.root / name.replace("\\", "/"))
        try:
            resolved = path.resolve()
        except (OSError, RuntimeError) as error:  # links in a circle
            raise ValueError(f"the path {name!r} leads nowhere: {error}") from error
        if not resolved.is_relative_to(home):
            raise ValueError(f"the path {name!r} leads out of {self.root}")
        return self.root / resolved.relative_to(home)

    def hint(self, name: str) -> str:
        """Of a name that is not there: what there is that it may mean, as ``; there is …``, or nothing."""
        wanted = PurePosixPath(name.replace("\\", "/"))
        folder = self._on_disk(self.root / wanted).parent
        if there(folder):
            stem = composed(wanted.name).casefold()
            near = [
                real for known, real in self._listing(folder).items() if known.casefold() == stem or _stem(known) in (stem, _stem(stem))
            ]
            if near:
                return f"; there is {(folder / near[0]).relative_to(self.root).as_posix()!r}"
        parts = wanted.parts[1:]
        while parts:
            if there(self.root.joinpath(*parts)):
                return f"; there is {'/'.join(parts)!r} (paths are relative to {self.root})"
            parts = parts[1:]
        return ""

    def _on_disk(self, path: Path) -> Path:
        """A path below the root with each part spelt as on disk."""
        found = self.root
        for part in path.relative_to(self.root).parts:
            found = found / (part if there(found / part) or part == ".." else self._listing(found).get(composed(part), part))
        return found

    def _listing(self, folder: Path) -> dict[str, str]:
        """Names in a folder by their composed form."""
        if folder not in self._names:
            try:
                self._names[folder] = {composed(path.name): path.name for path in sorted(folder.iterdir())}
            except OSError:
                self._names[folder] = {}
        return self._names[folder]


def there(path: Path) -> bool:
    """Whether there is a file or folder, or the file whose slice a name is; not where its name is one that cannot be."""
    try:
        return split_slice(path)[0].exists()
    except OSError:
        return False


def _stem(name: str) -> str:
    return PurePosixPath(name).stem.casefold()
