"""One table for all techniques: quality, size and speed side by side.

Chapter: foundations/measuring
"""

import html
import json
import math
import os
from numbers import Integral, Real
from pathlib import Path
from typing import Any

_COUNTS = ("parameters", "flops", "size_bytes")
_FIELDS = ("name", "quality", "low", "high", *_COUNTS, "p50_ms", "p95_ms")


class Scoreboard:
    """Rows of measures, one for each technique, that can be compared and stored.

    Args:
        quality_name: what quality is, such as `"test accuracy"`.
        higher_is_better: whether more of it is better; False for an error or for
            bits per byte.
        size_name: what `size_bytes` holds, such as `".keras file"`. The container
            belongs to the number.

    Raises:
        ValueError: if a name is empty.

    Example:
        >>> from aiarch.foundations import Scoreboard
        >>> board = Scoreboard("test accuracy", size_name="float32 weights")
        >>> board.add("plain", quality=0.95, interval=(0.94, 0.96), parameters=61706,
        ...           flops=680_000, size_bytes=246_824, p50_ms=0.30, p95_ms=0.41)
        >>> len(board)
        1
    """

    def __init__(
        self,
        quality_name: str = "test accuracy",
        *,
        higher_is_better: bool = True,
        size_name: str = ".keras file",
    ):
        for key, name in (("quality_name", quality_name), ("size_name", size_name)):
            if not isinstance(name, str) or not name.strip():
                raise ValueError(f"{key} must be a name in words, got {name!r}.")
        self.quality_name = quality_name
        self.higher_is_better = bool(higher_is_better)
        self.size_name = size_name
        self._rows: dict[str, dict[str, Any]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows as dictionaries, in the order in which they were added."""
        return [dict(row) for row in self._rows.values()]

    def add(
        self,
        name: str,
        *,
        quality: float,
        interval: Any,
        parameters: int,
        flops: int,
        size_bytes: int,
        latency: Any = None,
        p50_ms: float | None = None,
        p95_ms: float | None = None,
    ) -> None:
        """Add a row.

        Args:
            name: the technique, not yet on the board.
            quality: the measured quality.
            interval: an `Interval`, or its limits (low, high), around `quality`.
            parameters: number of parameters.
            flops: floating-point operations for one sample.
            size_bytes: bytes of the container that `size_name` names.
            latency: a `Latency`; or give the two percentiles themselves.
            p50_ms: median latency in milliseconds.
            p95_ms: 95th percentile of latency in milliseconds, at least `p50_ms`.

        Raises:
            ValueError: if the name is taken, or a value is missing, not finite,
                negative where it cannot be, or contradicts another.
            TypeError: if a count is not an integer.
        """
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"name must be a name in words, got {name!r}.")
        if name in self._rows:
            raise ValueError(
                f"name {name!r} is on the board already; a result is not replaced, "
                "give the new one another name."
            )
        if latency is not None:
            if p50_ms is not None or p95_ms is not None:
                raise ValueError("give latency, or p50_ms and p95_ms, not both.")
            p50_ms, p95_ms = latency.p50_ms, latency.p95_ms
        if hasattr(interval, "low"):
            interval = interval.low, interval.high
        low, high = interval
        values = (
            name,
            quality,
            low,
            high,
            parameters,
            flops,
            size_bytes,
            p50_ms,
            p95_ms,
        )
        row = dict(zip(_FIELDS, values, strict=True))
        _check(row)
        self._rows[name] = row

    def save(self, path: str | os.PathLike) -> None:
        """Write the board to a JSON file."""
        Path(path).write_text(json.dumps(self._record(), indent=2) + "\n")

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Scoreboard":
        """Read a board that `save` wrote.

        Raises:
            ValueError: if the file holds no board.
        """
        try:
            record = json.loads(Path(path).read_text())
            rows = record.pop("rows")
            board = cls(**record)
            for row in rows:
                row["interval"] = row.pop("low"), row.pop("high")
                board.add(**row)
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{path} must be a file written by Scoreboard.save, but reading it "
                f"failed: {error!r}."
            ) from error
        return board

    def _record(self) -> dict[str, Any]:
        return {
            "quality_name": self.quality_name,
            "higher_is_better": self.higher_is_better,
            "size_name": self.size_name,
            "rows": self.rows,
        }

    def _cells(self) -> list[list[str]]:
        better = "higher" if self.higher_is_better else "lower"
        head = [
            "technique",
            f"{self.quality_name} ({better} is better)",
            "95% interval",
            "parameters",
            "FLOPs",
            f"bytes ({self.size_name})",
            "p50 (ms)",
            "p95 (ms)",
        ]
        body = [
            [
                row["name"],
                f"{row['quality']:.4f}",
                f"{row['low']:.4f} to {row['high']:.4f}",
                *(f"{row[key]:,}" for key in _COUNTS),
                f"{row['p50_ms']:.3g}",
                f"{row['p95_ms']:.3g}",
            ]
            for row in self._rows.values()
        ]
        return [head, *body]

    def __str__(self) -> str:
        cells = self._cells()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = []
        for line in cells:
            first = line[0].ljust(widths[0])
            rest = zip(line[1:], widths[1:], strict=True)
            lines.append("  ".join([first, *(cell.rjust(w) for cell, w in rest)]))
        return "\n".join(line.rstrip() for line in lines)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple:
        head, *body = [[html.escape(cell) for cell in line] for line in self._cells()]
        parts = ['<div class="scoreboard"><table><thead><tr>']
        parts += [f'<th scope="col">{cell}</th>' for cell in head]
        parts.append("</tr></thead><tbody>")
        for name, *cells in body:
            parts.append(f'<tr><th scope="row">{name}</th>')
            parts += [f"<td>{cell}</td>" for cell in cells]
            parts.append("</tr>")
        parts.append("</tbody></table></div>")
        data = {"text/plain": str(self), "text/html": "".join(parts)}
        return data, {"aiarch": {"scoreboard": self.rows}}


def _check(row: dict[str, Any]) -> None:
    for key in _COUNTS:
        value = row[key]
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise TypeError(f"{key} must be an integer, got {value!r}.")
        if value < 0:
            raise ValueError(f"{key} must be zero or positive, got {value}.")
        row[key] = int(value)
    for key in ("quality", "low", "high", "p50_ms", "p95_ms"):
        value = row[key]
        if value is None or not isinstance(value, Real) or not math.isfinite(value):
            raise ValueError(f"{key} must be a finite number, got {value!r}.")
        row[key] = float(value)
    if not row["low"] <= row["quality"] <= row["high"]:
        raise ValueError(
            f"interval must hold quality={row['quality']}, got {row['low']} to "
            f"{row['high']}; compute both from the same values."
        )
    if not 0 <= row["p50_ms"] <= row["p95_ms"]:
        raise ValueError(
            f"p95_ms must be at least p50_ms={row['p50_ms']} and neither negative, got "
            f"{row['p95_ms']}; were the two exchanged?"
        )
