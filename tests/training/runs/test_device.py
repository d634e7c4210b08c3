"""`--device` means the same to every command, and says what is missing."""

import pytest
import torch

from mien.errors import InputError, MissingExtraError
from mien_training.runs.device import check_device_name, choose_device, device_name


def machine(monkeypatch, build, count):
    monkeypatch.setattr(torch.version, "cuda", build)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)


def test_auto_takes_cuda_where_there_is_one(monkeypatch):
    machine(monkeypatch, None, 0)
    assert choose_device("auto").type == choose_device("cpu").type == "cpu"
    assert device_name(choose_device("auto")) == "cpu"
    machine(monkeypatch, "12.8", 2)
    assert choose_device("auto") == choose_device("cuda") == torch.device("cuda", 0)
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    assert choose_device("cpu") == torch.device("cpu")


def test_a_build_without_cuda_is_named(monkeypatch):
    machine(monkeypatch, None, 0)
    with pytest.raises(MissingExtraError, match=rf"torch {torch.__version__[:3]}.*without CUDA"):
        choose_device("cuda")


def test_a_machine_without_that_device_is_named(monkeypatch):
    machine(monkeypatch, "12.8", 0)
    with pytest.raises(InputError, match=r"CUDA 12\.8\) sees no CUDA device"):
        choose_device("cuda")
    machine(monkeypatch, "12.8", 1)
    with pytest.raises(InputError, match=r"'cuda:1'.*sees 1 CUDA device;"):
        choose_device("cuda:1")


@pytest.mark.parametrize("name", ["gpu", "", "cuda:", "cuda:x", "CPU", "cuda:-1", "mps"])
def test_other_names_are_refused(name):
    with pytest.raises(InputError, match="expected auto, cpu, cuda or cuda:N"):
        check_device_name(name)
