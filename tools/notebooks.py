"""Run the book's notebooks: `execute` in place, or `portable` with other settings.

execute    runs each notebook, stores its outputs, seconds and peak memory, and makes
           the generated pages anew. An interrupted run leaves the old file whole.
portable   compares the stored outputs with a run under other instruction sets and
           one thread. By default only notebooks that differ from the last commit.
"""

import argparse
import base64
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import generate
import nbformat
from nbclient import NotebookClient
from pages import BOOK, ROOT, load_page, notebooks
from PIL import Image, ImageChops, ImageStat

TIMEOUT_SECONDS = 600
# On Linux `ru_maxrss` also counts the process that started the kernel; VmHWM does not.
PEAK_MEMORY = """
import pathlib as _pathlib, re as _re, resource as _resource, sys as _sys
_unit = 1 if _sys.platform == "darwin" else 1024
_peaks = [_resource.getrusage(_resource.RUSAGE_CHILDREN).ru_maxrss]
_status = _pathlib.Path("/proc/self/status")
if _status.exists():
    _peaks.append(int(_re.search(r"VmHWM:\\s*(\\d+) kB", _status.read_text())[1]))
else:
    _peaks.append(_resource.getrusage(_resource.RUSAGE_SELF).ru_maxrss)
print(_unit * max(_peaks))
"""
# Another machine in one process: no AVX-512, no oneDNN, one thread.
OTHER_MACHINE = {
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}


def execute(path: Path) -> dict:
    """Run one notebook in place and return its seconds and peak memory in MB."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT_SECONDS,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    start = time.perf_counter()
    client.reset_execution_trackers()
    with client.setup_kernel():
        for number, cell in enumerate(notebook.cells):
            client.execute_cell(cell, number)
        seconds = time.perf_counter() - start
        peak_bytes = _peak_memory(client)
    normalise(notebook)
    _write_whole(path, nbformat.writes(notebook) + "\n")
    return {
        "seconds": round(seconds, 1),
        "peak_memory_mb": round(peak_bytes / 1e6),
        "code_hash": load_page(path).code_hash,
    }


def normalise(notebook: nbformat.NotebookNode) -> None:
    """Leave no metadata that a mere re-run changes; fold claims, lighten pictures."""
    kept = {
        key: notebook.metadata[key] for key in ("aiarch",) if key in notebook.metadata
    }
    notebook.metadata = nbformat.from_dict(
        {
            **kept,
            "kernelspec": {
                "display_name": "Python 3",
                "language": "python",
                "name": "python3",
            },
            "language_info": {"name": "python"},
        }
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell in notebook.cells:
        for key in ("execution", "ExecuteTime", "collapsed", "scrolled"):
            cell.metadata.pop(key, None)
        if cell.cell_type == "code" and cell.source.startswith("claim("):
            tags = set(cell.metadata.get("tags", []))
            cell.metadata["tags"] = sorted(tags | {"hide-input"})
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = _lighter(output.data["image/png"])


def _lighter(png: str) -> str:
    """The same picture, base64, in its 256 best colours, unless that shows."""
    stored = Image.open(io.BytesIO(base64.b64decode(png)))
    if "A" in stored.getbands() and stored.getextrema()[-1] != (255, 255):
        return png  # the 256 colours would lose what is transparent
    picture = stored.convert("RGB")
    fewer = picture.quantize(256, dither=Image.Dither.NONE)
    change = ImageStat.Stat(ImageChops.difference(picture, fewer.convert("RGB"))).mean
    written = io.BytesIO()
    fewer.save(written, "png", optimize=True)
    lighter = base64.b64encode(written.getvalue()).decode() + "\n"
    return lighter if max(change) < 1 and len(lighter) < len(png) else png


def _peak_memory(client: NotebookClient) -> int:
    probe = nbformat.v4.new_code_cell(PEAK_MEMORY)
    client.nb.cells.append(probe)
    try:
        client.execute_cell(probe, len(client.nb.cells) - 1, store_history=False)
    finally:
        client.nb.cells.remove(probe)
    return int(probe.outputs[0].text)


def _write_whole(path: Path, text: str) -> None:
    """Replace a file in one step, so that an interruption leaves the old one."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, suffix=".part", delete=False
    ) as part:
        part.write(text)
    os.chmod(part.name, 0o644)
    os.replace(part.name, path)


def execute_all(paths: list[Path]) -> None:
    """Run notebooks in place, one after the other, and make generated pages anew."""
    for path in paths:
        page = load_page(path)
        print(f"{page.address} ...", end=" ", flush=True)
        cost = execute(path)
        print(f"{cost['seconds']} s, {cost['peak_memory_mb']} MB", flush=True)
        timings = generate.read_timings()
        timings["pages"][page.address] = cost
        timings["machine"] = f"{os.cpu_count()} cores"
        text = json.dumps(timings, indent=1, sort_keys=True) + "\n"
        _write_whole(generate.TIMINGS, text)
    generate.write_all()


def changed_notebooks() -> list[Path]:
    """Notebooks that differ from the upstream branch, or else from the last commit."""
    upstream = _git("rev-parse", "--verify", "-q", "@{upstream}")
    names = _git("diff", "--name-only", *(upstream or ["HEAD"]), "--", "book")
    names += _git("ls-files", "--others", "--exclude-standard", "--", "book")
    return [p.path for p in notebooks() if str(p.path.relative_to(ROOT)) in names]


def _git(*arguments: str) -> list[str]:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()


def portable(paths: list[Path]) -> int:
    """Compare stored outputs with a run under the settings of another machine."""
    if not paths:
        print(
            "No notebook differs from the last commit; `make portable ALL=1` runs all."
        )
        return 0
    command = [sys.executable, "-m", "pytest", "--nbval", "-q", *map(str, paths)]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **OTHER_MACHINE}
    ).returncode


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["execute", "portable"])
    parser.add_argument("paths", nargs="*", type=Path, help="notebooks (default: all)")
    parser.add_argument("--all", action="store_true", help="also the unchanged ones")
    given = parser.parse_args()
    paths = [path.resolve() for path in given.paths]
    for path in paths:
        if path.suffix != ".ipynb" or not path.is_file() or BOOK not in path.parents:
            parser.error(f"{path} is not a notebook of this book.")
    everything = [page.path for page in notebooks()]
    if given.command == "execute":
        execute_all(paths or everything)
        return 0
    return portable(paths or (everything if given.all else changed_notebooks()))


if __name__ == "__main__":
    sys.exit(main())
