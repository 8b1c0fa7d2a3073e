"""`driftd run`: the daemon."""

from __future__ import annotations

import gc
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.tuning import tune
from monitor.clock import SystemClock

if TYPE_CHECKING:
    from types import FrameType

    from monitor.app.app import Daemon


@click.command(epilog="Example: driftd run -c driftd.yaml")
@click.option(
    "-c",
    "--config",
    "path",
    default="driftd.yaml",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The configuration file.",
)
def command(path: Path) -> None:
    """Run the daemon until SIGTERM or Ctrl-C; SIGHUP reloads the configuration.

    Logs go to stderr, one JSON object per line (a readable form on a terminal).
    """
    tune()
    daemon = _load()(path, SystemClock())
    try:
        signals = _Signals()
        daemon.start()
        # What is alive now stays alive; the collector need not look at it again and again.
        gc.freeze()
        click.echo(daemon.address)
        sys.stdout.flush()
        signals.serve(daemon)
    finally:
        daemon.stop()


def _load() -> type[Daemon]:
    """Import the daemon and set its logs up.

    Late, for numpy reads what `tune` has set; and with the collector off, which would look through
    a growing heap of modules again and again: a sixth of the time to start.
    """
    gc.disable()
    from monitor.app.app import Daemon  # noqa: PLC0415
    from monitor.app.logs import configure_logs  # noqa: PLC0415

    gc.enable()
    configure_logs(sys.stderr)
    return Daemon


class _Signals:
    """SIGTERM and SIGINT stop (a second one at once), SIGHUP reloads."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, self._hup)
        self._reload = False

    def serve(self, daemon: Daemon) -> None:
        """Wait for signals; return when the daemon is to stop."""
        while not self._stopping:
            self._event.wait()
            self._event.clear()
            if self._reload:
                self._reload = False
                _reload(daemon)

    def _stop(self, number: int, frame: FrameType | None) -> Any:
        del frame
        if self._stopping:
            sys.exit(128 + number)
        self._stopping = True
        self._event.set()

    def _hup(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._reload = True
        self._event.set()


def _reload(daemon: Daemon) -> None:
    """The old configuration stays when the new one is not right; say why."""
    try:
        daemon.reload()
    except Exception as error:  # noqa: BLE001 - the daemon goes on, whatever is wrong with the file
        click.echo(f"the configuration was not reloaded:\n{error}", err=True)
