"""A folder of pictures and scans of small moments, and a net that believes what it is told."""

import pytest
import torch


@pytest.fixture(scope="session")
def young_net(anny):
    """It takes all pixels for skin, and knows no places; the tracker's points locate the head."""
    from mien_training.capture.capture_net import CaptureNet
    from mien_training.capture.correspondence.correspondence_net import CorrespondenceNet
    from mien_training.capture.first_mesh import FirstMeshConfig
    from mien_training.capture.morphable import sampled_heads
    from mien_training.capture.polish import PolishConfig
    from mien_training.capture.refinement.linear_step import LinearStep, LinearStepConfig

    torch.manual_seed(0)
    net = CorrespondenceNet((8, 16), 0).eval()
    torch.nn.init.zeros_(net.unet.last.weight)
    skin, doubt = 0, 4
    with torch.no_grad():
        net.unet.last.bias.zero_()
        net.unet.last.bias[[skin, doubt]] = torch.tensor([8.0, 5.0])
    heads = sampled_heads(anny, range(4), 2)
    rough = PolishConfig(side=64, shrink=(2,), rounds=1, steps=1)
    first = FirstMeshConfig(side=32, rays_per_view=60, polish=rough)
    linear = LinearStep(anny, LinearStepConfig(controls=20, rank=2))
    return CaptureNet(anny, heads, net, linear, None, first)


@pytest.fixture(scope="session")
def scan_folder(seen_head, anny, tmp_path_factory):
    """Three moments, numbers 7 to 9, that all show the same; the last with a registration."""
    from PIL import Image
    from support.scan_folders import write_scan

    from mien_training.cameras.calibration import calibration_json
    from mien_training.footage.scanned.registered_mesh import write_registered

    folder = tmp_path_factory.mktemp("scans")
    names = [f"cam{c}" for c in range(len(seen_head.cameras))]
    cameras = dict(zip(names, seen_head.cameras, strict=True))
    (folder / "cameras.json").write_bytes(calibration_json(cameras, 1.0))
    for name, image in zip(names, seen_head.images, strict=True):
        (folder / name).mkdir()
        for number in (7, 8, 9):
            Image.fromarray(image).save(folder / name / f"{number:04}.png")
    (folder / "scans").mkdir()
    for number in (7, 8, 9):
        write_scan(folder / f"scans/{number}.ply", seen_head.vertices, anny.triangles)
    (folder / "registered").mkdir()
    write_registered(folder / "registered/9.npz", anny, seen_head.vertices)
    return folder
