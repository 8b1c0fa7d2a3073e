"""The disk of a machine whose power fails: build the shim, run children on it, read the image."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

SOURCE = Path(__file__).with_name("powerloss.c")


def build_shim(directory: Path) -> Path:
    """Compile the shim; without a C compiler skip visibly, and in CI fail."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        reason = "the power-loss tests need a C compiler (apt-get install gcc)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    library = directory / "powerloss.so"
    flags = ["-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, "-o", library, SOURCE], check=True)
    return library


@dataclass(frozen=True, slots=True)
class Disk:
    """A directory that programs write to, and the shadow of what of it is really on disk."""

    root: Path
    shim: Path

    @property
    def mounted(self) -> Path:
        """Where programs write."""
        return self.root / "mounted"

    @property
    def shadow(self) -> Path:
        """Where the shim keeps contents by identity, and the synced names."""
        return self.root / "shadow"

    @classmethod
    def format(cls, root: Path, shim: Path) -> Disk:
        """Make an empty disk under `root`."""
        disk = cls(root.resolve(), shim)
        disk.mounted.mkdir(parents=True)
        disk.shadow.mkdir()
        return disk

    def start(self, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        """Run Python with `arguments` on this disk, standard output in a pipe."""
        environment = os.environ | {
            "LD_PRELOAD": str(self.shim),
            "POWERLOSS_WATCH": str(self.mounted),
            "POWERLOSS_SHADOW": str(self.shadow),
        }
        return subprocess.Popen(
            [sys.executable, *arguments], env=environment, stdout=subprocess.PIPE
        )

    def after_power_loss(self) -> Path:
        """Return a directory with what was synced when the power failed."""
        image = self.root / "image"
        image.mkdir()
        names = self.shadow / "names"
        for line in names.read_text().splitlines() if names.exists() else ():
            identity, name = line.split(" ", 1)
            content = self.shadow / f"data.{identity}"
            if content.exists():
                shutil.copyfile(content, image / name)
            else:
                (image / name).touch()
        return image
