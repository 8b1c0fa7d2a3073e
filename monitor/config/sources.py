"""Where records come from: HTTP push and files in this version."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag

from monitor.config.section import Rule, Section
from monitor.config.tables import TableConfig
from monitor.config.units import FilePath, Name

TABLES = ("csv", "parquet", "ndjson")


class HttpSource(Section):
    """`POST /v1/records` on the daemon's own port."""

    type: Literal["http"]


class FilesSource(Section):
    """Files that are read as they grow, below the directory of the configuration file."""

    type: Literal["files"]
    path: FilePath
    """A file or a pattern such as `logs/*.ndjson`; relative to the configuration file."""
    format: Literal["native", "csv", "parquet", "ndjson"] = "native"
    """`native` holds driftd's own records, one JSON object per line; the others are tables."""
    name: Name | None = None
    """Name in metrics and positions; made from the path when left out."""
    model: Name | None = None
    """The model that the rows of a table belong to."""
    table: TableConfig | None = None

    def rules(self) -> Iterator[Rule]:
        """A table says whose it is; native records say so themselves."""
        if ".." in self.path.parts:
            yield ("path",), "must not leave its directory by '..'"
        if self.format in TABLES and self.model is None:
            yield ("model",), f"is needed: rows of {self.format} do not say which model made them"
        if self.format == "native":
            for name in ("model", "table"):
                if getattr(self, name) is not None:
                    yield (name,), "is for tables; native records say it themselves"


def _type(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return str(kind)


Source = Annotated[
    Annotated[HttpSource, Tag("http")] | Annotated[FilesSource, Tag("files")],
    Discriminator(
        _type,
        custom_error_type="source_type",
        custom_error_message=(
            "a source needs 'type: http' or 'type: files'; "
            "kafka, redis_streams and sql are not built yet"
        ),
    ),
]
