"""Journals: a search's finished trials on disk, so that a killed search goes on.

Chapter: structure/architecture-search
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # not on Windows: there two processes are not kept apart
    fcntl = None


class Journal:
    """A file of JSON lines: a header that identifies its owner, then one record a line.

    A record is on disk (written, flushed, synchronised) when `append` returns. A last
    line that was torn by a kill is moved to `<path>.torn` and reported by a warning.
    While a process has the journal open, others are refused (not on Windows).

    Args:
        path: the file; it is made if it is not there. Its folder must exist.
        header: what identifies the owner, as JSON can hold it.

    Raises:
        ValueError: the file belongs to another owner, or a line that is not the last
            is damaged.
        RuntimeError: another process has the file open.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "numbers.jsonl"
        >>> with Journal(path, {"kind": "numbers"}) as journal:
        ...     journal.append({"number": 1})
        >>> with Journal(path, {"kind": "numbers"}) as journal:
        ...     journal.records
        [{'number': 1}]
    """

    def __init__(self, path: str | os.PathLike, header: Mapping[str, Any]):
        self.path = Path(path)
        self.header = json.loads(json.dumps(dict(header)))
        self.records: list[dict[str, Any]] = []
        self._file = self.path.open("a+b")
        try:
            self._lock()
            lines = self._whole_lines()
            if lines:
                self._compare(lines[0])
            else:
                self._write(self.header)
                sync_folder(self.path.parent)
            self.records = lines[1:]
        except BaseException:
            self._file.close()
            raise

    def append(self, record: Mapping[str, Any]) -> None:
        """Write one record and wait until it is on disk.

        Args:
            record: what `json.dumps` can write; NaN and infinities are refused.

        Raises:
            ValueError: the record holds a NaN or an infinity, or the journal is
                closed.
        """
        self.records.append(self._write(record))

    def close(self) -> None:
        """Close the file and give up the lock."""
        self._file.close()

    def __enter__(self) -> Journal:
        """Return the journal."""
        return self

    def __exit__(self, *error: Any) -> None:
        """Close the journal."""
        self.close()

    def _write(self, record: Mapping[str, Any]) -> dict[str, Any]:
        line = json.dumps(record, allow_nan=False)
        self._file.write(line.encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        return json.loads(line)

    def _lock(self) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RuntimeError(
                f"the journal {self.path} is in use by another process; wait until "
                "that ends, or give this search a journal of its own."
            ) from None

    def _whole_lines(self) -> list[dict[str, Any]]:
        """Return the lines that can be read, after moving a torn last one away."""
        self._file.seek(0)
        text = self._file.read()
        lines = text.splitlines(keepends=True)
        found = [_parsed(line) for line in lines]
        if found and found[-1] is None:
            self._move_away(lines[-1], len(text) - len(lines[-1]))
            found.pop()
        elif text and not text.endswith(b"\n"):
            self._file.write(b"\n")  # only the end of the line was lost
        if None in found:
            raise ValueError(
                f"line {found.index(None) + 1} of the journal {self.path} is damaged "
                "in the middle of the file; restore the file from a copy, or start "
                "with another journal."
            )
        return found

    def _move_away(self, torn: bytes, length: int) -> None:
        target = self.path.with_name(self.path.name + ".torn")
        with target.open("ab") as file:
            file.write(torn.rstrip(b"\n") + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._file.truncate(length)
        os.fsync(self._file.fileno())
        warnings.warn(
            f"the last line of the journal {self.path} was torn ({len(torn)} bytes); "
            f"it is kept in {target}, and its trial runs again.",
            RuntimeWarning,
            stacklevel=2,
        )

    def _compare(self, header: dict[str, Any]) -> None:
        if header == self.header:
            return
        names = sorted({*header, *self.header})
        differ = [n for n in names if header.get(n) != self.header.get(n)]
        details = "; ".join(
            f"{name}: {header.get(name)!r} there, {self.header.get(name)!r} here"
            for name in differ
        )
        raise ValueError(
            f"the journal {self.path} belongs to another search ({details}); repeat "
            "that search's call to go on with it, or name another file."
        )


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def sync_folder(folder: Path) -> None:
    """Wait until the names of new files are on disk, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
