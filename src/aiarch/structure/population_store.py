"""Finished stages of population-based training, in memory or on disk.

Chapter: structure/population-based-training
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiarch.training.journals import Journal, sync_folder

JOURNAL = "journal.jsonl"


class StageStore:
    """States and records of stages; those of a folder survive a kill.

    A state is written to a file of its own, which is put in place at once; then its
    record goes to the folder's journal. So a record always has its state, and a stage
    that was interrupted has no record and runs again.

    Args:
        folder: where to keep them, made if need be; None for in memory alone.
        header: what identifies the training in the folder's journal.

    Raises:
        NotADirectoryError: `folder` is a file.
        ValueError: the folder belongs to another training, or its journal holds a
            stage twice.
        RuntimeError: another process trains in this folder.

    Example:
        >>> store = StageStore(None, {})
        >>> store.save({"round": 0, "member": 1}, b"state")
        >>> store.load(0, 1)
        b'state'
    """

    def __init__(self, folder: str | os.PathLike | None, header: Mapping[str, Any]):
        self.folder = None if folder is None else Path(folder)
        self.records: dict[tuple[int, int], dict[str, Any]] = {}
        self._states: dict[tuple[int, int], bytes] = {}
        self._journal = None
        if self.folder is None:
            return
        if self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError(
                f"`folder` must be a folder, got the file {self.folder}; name another."
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        self._journal = Journal(self.folder / JOURNAL, header)
        try:
            for record in self._journal.records:
                self._enter(record)
        except BaseException:
            self._journal.close()
            raise

    def save(self, record: Mapping[str, Any], state: bytes) -> None:
        """Keep a state, then its record; both are on disk when this returns."""
        place = record["round"], record["member"]
        if self._journal is None:
            self._states[place] = state
        else:
            path = self._path(*place)
            part = path.with_suffix(".part")
            with part.open("wb") as file:
                file.write(state)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
            sync_folder(self.folder)
            self._journal.append(record)
        self._enter(dict(record))

    def load(self, number: int, member: int) -> bytes:
        """Return the state of a member after round `number`.

        Raises:
            FileNotFoundError: its file is gone.
        """
        if self._journal is None:
            return self._states[number, member]
        path = self._path(number, member)
        if not path.exists():
            raise FileNotFoundError(
                f"the journal has round {number}, member {member}, but its state "
                f"{path} is gone; restore it from a copy, or start with another folder."
            )
        return path.read_bytes()

    def forget(self, number: int, num_members: int) -> None:
        """Drop the states of a round from which nobody goes on any more."""
        for member in range(num_members):
            if self._journal is None:
                self._states.pop((number, member), None)
            else:
                self._path(number, member).unlink(missing_ok=True)

    def __enter__(self) -> StageStore:
        """Return the store."""
        return self

    def __exit__(self, *error: Any) -> None:
        """Close the journal and give up its lock."""
        if self._journal is not None:
            self._journal.close()

    def _enter(self, record: dict[str, Any]) -> None:
        place = record["round"], record["member"]
        if place in self.records:
            raise ValueError(
                f"the journal in {self.folder} holds round {place[0]}, member "
                f"{place[1]} twice; it was written to from outside: start with "
                "another folder."
            )
        self.records[place] = record

    def _path(self, number: int, member: int) -> Path:
        return self.folder / f"round-{number:04d}-member-{member:03d}.state"
