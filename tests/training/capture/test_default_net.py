"""The net that ships is small, whole, and of anny."""

from mien_training.capture.default_net import DEFAULT_NET, default_net


def test_it_ships(anny):
    assert DEFAULT_NET.stat().st_size < 10e6
    net = default_net()
    assert net.template is anny or net.template.name == "anny"
    assert net.origin["config"]["template"] == "anny" and net.origin["versions"]["torch"]
