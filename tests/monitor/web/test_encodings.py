"""Decompression on its own: whatever comes out is what went in, and never more than allowed."""

from __future__ import annotations

import gzip
import tracemalloc

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from monitor.web.encodings import decompress
from monitor.web.problems import RefusalError


def ignore(_: int) -> None:
    """Stand in for the count of held bytes."""


def unsized(data: bytes) -> bytes:
    """A zstd frame that does not say how large it is, as streaming writers make."""
    packer = zstandard.ZstdCompressor().compressobj()
    return packer.compress(data) + packer.flush()


@given(st.lists(st.binary(max_size=5000), min_size=1, max_size=4))
def test_round_trip_over_members_and_frames(parts: list[bytes]) -> None:
    whole = b"".join(parts)
    packed = b"".join(map(gzip.compress, parts))
    assert decompress("gzip", packed, 50_000, ignore) == whole
    for pack in (zstandard.compress, unsized):
        assert decompress("zstd", b"".join(map(pack, parts)), 50_000, ignore) == whole


@given(st.binary(max_size=400), st.sampled_from(["gzip", "zstd"]))
def test_noise_is_refused_or_read_but_never_surprises(noise: bytes, encoding: str) -> None:
    try:
        decompress(encoding, noise, 1000, ignore)
    except RefusalError as error:
        assert error.status in (400, 413)  # noqa: PT017 - both endings are right


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", unsized)])
def test_the_limit_is_exact(encoding: str, pack: object) -> None:
    body = pack(b"x" * 1000)
    assert len(decompress(encoding, body, 1000, ignore)) == 1000
    with pytest.raises(RefusalError) as caught:
        decompress(encoding, body, 999, ignore)
    assert caught.value.status == 413


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", unsized)])
def test_a_bomb_that_lies_about_its_size_fills_no_memory(encoding: str, pack: object) -> None:
    bomb = pack(bytes(200 * 2**20))
    if encoding == "gzip":
        bomb = bomb[:-4] + (1).to_bytes(4, "little")
    tracemalloc.start()
    try:
        with pytest.raises(RefusalError):
            decompress(encoding, bomb, 2**20, ignore)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * 2**20


def test_a_window_that_needs_much_memory_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(19, window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body = packer.compress(bytes(1000)) + packer.flush()
    with pytest.raises(RefusalError):
        decompress("zstd", body, 10**6, ignore)


def test_the_holder_may_stop_it() -> None:
    def refuse(_: int) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        decompress("gzip", gzip.compress(b"x"), 10, refuse)
