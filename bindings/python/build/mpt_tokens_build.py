"""The build backend: maturin's, which tells beforehand what is missing.

Without Rust, maturin would download a compiler, or fail with a page of text that does not name it.
"""

from __future__ import annotations

import shutil

from maturin import *  # noqa: F403
from maturin import get_requires_for_build_editable as _for_editable
from maturin import get_requires_for_build_wheel as _for_wheel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def _need_rust() -> None:
    if shutil.which("cargo") is None:
        raise SystemExit(
            "mpt-tokens: no wheel fits this Python and platform, and building one needs Rust 1.88 or later (`cargo`) and"
            " a C compiler: install them, or use a platform that has a wheel"
        )


def get_requires_for_build_wheel(config_settings: Mapping[str, Any] | None = None) -> list[str]:
    _need_rust()
    return _for_wheel(config_settings)


def get_requires_for_build_editable(config_settings: Mapping[str, Any] | None = None) -> list[str]:
    _need_rust()
    return _for_editable(config_settings)
