"""Where tensors live: one reading of `--device` for every command."""

from __future__ import annotations

import re

import torch

from mien.errors import InputError, MissingExtraError

__all__ = ["check_device_name", "choose_device", "device_name"]


def check_device_name(name: str) -> None:
    """Raises InputError for anything but auto, cpu, cuda and cuda:N."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", name):
        raise InputError(f"device {name!r}: expected auto, cpu, cuda or cuda:N (cuda:0, say)")


def choose_device(name: str) -> torch.device:
    """The device of that name; `auto` is the first CUDA device if there is one, else the CPU.

    Raises InputError for another name, and for a CUDA device that this machine has not;
    MissingExtraError where torch is a build without CUDA.
    """
    check_device_name(name)
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    if name == "cpu":
        return torch.device("cpu")
    if torch.version.cuda is None:
        raise MissingExtraError(
            f"device {name!r}: torch {torch.__version__} is built without CUDA; install a CUDA "
            "build of torch (pytorch.org/get-started names the wheel), or use --device cpu"
        )
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    index = int(name.partition(":")[2] or 0)
    if index >= count:
        what = f"{count} CUDA device{'' if count == 1 else 's'}" if count else "no CUDA device"
        raise InputError(
            f"device {name!r}: torch {torch.__version__} (CUDA {torch.version.cuda}) sees {what}; "
            "check the driver, or use --device cpu"
        )
    return torch.device("cuda", index)


def device_name(device: torch.device) -> str:
    """For metrics: `cpu`, or the name of the GPU."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
