"""Profiles of a baseline by phase of the calendar; see `monitor.engine.seasonal`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from detectors.profile.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detectors.profile.frame import Frame


@dataclass(frozen=True, slots=True)
class PhaseProfiles:
    """One profile per phase with enough windows, and how many windows each stands for."""

    profiles: Mapping[int, Profile]
    windows: Mapping[int, int]

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` reads."""
        return {
            "phases": list(self.profiles),
            "windows": [self.windows[phase] for phase in self.profiles],
            "profiles": [profile.state() for profile in self.profiles.values()],
        }

    @classmethod
    def restore(cls, frame: Frame, state: Mapping[str, Any]) -> PhaseProfiles:
        """Inverse of `state`."""
        profiles = [Profile.restore(frame, one) for one in state["profiles"]]
        chosen = state["phases"]
        return cls(
            dict(zip(chosen, profiles, strict=True)),
            dict(zip(chosen, state["windows"], strict=True)),
        )
