"""Pictures in and out: true times, rotation, natural order, whole files, typed errors."""

import struct
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from mien.errors import InputError, MissingExtraError
from mien.video import VideoWriter, count_frames, demo_video, read_frames


def picture(seed: int, size: tuple[int, int] = (64, 48)) -> np.ndarray:
    """A smooth picture: what H.264 keeps nearly as it is."""
    coarse = np.random.default_rng(seed).integers(40, 215, (3, 4, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))


def write(path: Path, times_s: list[float] | None = None, count: int = 5) -> list[np.ndarray]:
    pictures = [picture(i) for i in range(count if times_s is None else len(times_s))]
    with VideoWriter(path, rate_hz=25) as video:
        for i, image in enumerate(pictures):
            video.write(image, None if times_s is None else times_s[i])
    return pictures


def test_pictures_come_back(tmp_path: Path) -> None:
    pictures = write(tmp_path / "a.mp4")
    frames = list(read_frames(tmp_path / "a.mp4"))
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    np.testing.assert_allclose([f.time_s for f in frames], np.arange(5) / 25, atol=1e-4)
    assert count_frames(tmp_path / "a.mp4") == 5
    for frame, image in zip(frames, pictures, strict=True):
        assert frame.image.shape == (48, 64, 3) and frame.image.dtype == np.uint8
        assert np.abs(frame.image.astype(float) - image).mean() < 4


def test_uneven_times_are_kept(tmp_path: Path) -> None:
    times_s = [0.0, 0.04, 0.1, 0.5, 0.517, 2.25]
    write(tmp_path / "a.mp4", times_s)
    read = [frame.time_s for frame in read_frames(tmp_path / "a.mp4")]
    np.testing.assert_allclose(read, times_s, atol=1e-4)


def test_odd_sides_are_made_even(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4") as video:
        video.write(picture(0, (33, 21)))
    (frame,) = read_frames(tmp_path / "a.mp4")
    assert frame.image.shape == (22, 34, 3)


def turn(path: Path, matrix: tuple[int, int, int, int]) -> None:
    """Write a rotation into the track header, as phones do; (a, b, c, d) in 16.16."""
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 4 + 4 + 32  # version 0: times, id, duration, layer, volume
    start += 4
    values = [v << 16 for v in matrix]
    width = struct.unpack(">I", data[start + 36 : start + 40])[0] >> 16
    assert width == 64  # the fields are where they are thought to be
    struct.pack_into(">iiiiii", data, start, values[0], values[1], 0, values[2], values[3], 0)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("matrix", "clockwise_turns"), [((0, 1, -1, 0), 1), ((-1, 0, 0, -1), 2), ((0, -1, 1, 0), 3)]
)
def test_rotation_noted_in_the_file_is_carried_out(
    tmp_path: Path, matrix: tuple[int, int, int, int], clockwise_turns: int
) -> None:
    write(tmp_path / "a.mp4", count=1)
    (upright,) = read_frames(tmp_path / "a.mp4")
    turn(tmp_path / "a.mp4", matrix)
    (turned,) = read_frames(tmp_path / "a.mp4")
    np.testing.assert_array_equal(turned.image, np.rot90(upright.image, -clockwise_turns))


def test_a_folder_is_read_in_natural_order(tmp_path: Path) -> None:
    for number in (10, 9, 1, 100):
        Image.fromarray(np.full((8, 6, 3), number, np.uint8)).save(tmp_path / f"f{number}.png")
    (tmp_path / "notes.txt").write_text("no image")
    frames = list(read_frames(tmp_path))
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 9, 10, 100]
    np.testing.assert_allclose([frame.time_s for frame in frames], np.arange(4) / 30)
    assert count_frames(tmp_path) == 4


def test_one_image_is_one_frame_and_stands_upright(tmp_path: Path) -> None:
    image = Image.fromarray(picture(0))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise by 90 degrees to see it upright
    image.save(tmp_path / "a.png", exif=exif)
    (frame,) = read_frames(tmp_path / "a.png")
    np.testing.assert_array_equal(frame.image, np.rot90(picture(0), -1))
    assert (frame.index, frame.time_s) == (0, 0.0)
    assert count_frames(tmp_path / "a.png") == 1


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_grey_images_of_8_and_16_bits(tmp_path: Path, suffix: str) -> None:
    grey = np.arange(0, 256, 2, dtype=np.uint8).reshape(8, 16)
    Image.fromarray(grey).save(tmp_path / f"8.{suffix}")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / f"16.{suffix}")
    for name in ("8", "16"):
        (frame,) = read_frames(tmp_path / f"{name}.{suffix}")
        np.testing.assert_array_equal(frame.image, np.repeat(grey[..., None], 3, 2))


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_images_of_32_bits_are_refused(tmp_path: Path, kind: type) -> None:
    Image.fromarray(np.full((4, 4), 70_000, kind)).save(tmp_path / "a.tif")
    with pytest.raises(InputError, match=r"a\.tif: an image of 32 bits, expected 8 or 16"):
        list(read_frames(tmp_path / "a.tif"))


@pytest.mark.parametrize("name", ["empty.mp4", "noise.mp4", "cut.mp4", "sound.wav", "noise.png"])
def test_damaged_files_are_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "cut.mp4":
        write(path)
        path.write_bytes(path.read_bytes()[:-300])
    elif name == "sound.wav":
        with av.open(str(path), "w") as container:
            stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
            sound = av.AudioFrame.from_ndarray(
                np.zeros((1, 800), np.int16), format="s16", layout="mono"
            )
            sound.sample_rate = 8000
            container.mux(stream.encode(sound))
    else:
        noise = np.random.default_rng(0).integers(0, 256, 4000, dtype=np.uint8).tobytes()
        path.write_bytes(b"" if name == "empty.mp4" else noise)
    with pytest.raises(InputError, match=name):
        list(read_frames(path))


@pytest.mark.parametrize("source", ["nowhere.mp4", "nowhere", "nowhere.png"])
def test_missing_sources_are_named(tmp_path: Path, source: str) -> None:
    with pytest.raises(InputError, match=f"{source}: no such file"):
        read_frames(tmp_path / source)
    with pytest.raises(InputError, match=f"{source}: no such file"):
        count_frames(tmp_path / source)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no images"):
        read_frames(tmp_path)


def test_a_camera_that_is_not_there_is_named() -> None:
    assert count_frames("camera:97") is None
    with pytest.raises(InputError, match="camera:97: camera cannot be opened"):
        read_frames("camera:97")


def test_a_video_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), VideoWriter(tmp_path / "a.mp4") as video:
        video.write(picture(0))
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="no frame"), VideoWriter(tmp_path / "a.mp4"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"old")
    with VideoWriter(tmp_path / "a.mp4") as video:
        video.write(picture(0))
        assert (tmp_path / "a.mp4").read_bytes() == b"old"
    assert len(list(read_frames(tmp_path / "a.mp4"))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_a_video_has_the_rights_of_a_new_file_and_the_umask_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plain").write_bytes(b"")
    monkeypatch.delattr("os.umask")  # changing it, if only to read it, concerns every thread
    write(tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_senseless_frames_are_refused(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4") as video:
        video.write(picture(0), 1.0)
        with pytest.raises(InputError, match="64x48"):
            video.write(picture(0, (32, 32)))
        with pytest.raises(InputError, match="does not come after"):
            video.write(picture(0), 1.0)
        with pytest.raises(InputError, match="uint8"):
            video.write(picture(0).astype(np.float32))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="rate_hz"):
        VideoWriter(tmp_path / "b.mp4", rate_hz=0)
    with pytest.raises(InputError, match="cannot be written"):
        VideoWriter(tmp_path / "nowhere" / "b.mp4")


def test_the_demo_video_has_its_known_frames() -> None:
    try:
        path = demo_video()
    except MissingExtraError as error:
        pytest.skip(str(error))
    frames = list(read_frames(path))
    assert len(frames) == count_frames(path) == 120
    assert frames[0].image.shape == (144, 176, 3)
    np.testing.assert_allclose(frames[-1].time_s, 119 * 1001 / 30000, atol=1e-6)


def test_a_missing_demo_video_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.video.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"mien\[demo\]"):
        demo_video()


def test_frames_of_one_time_follow_each_other(tmp_path: Path) -> None:
    """Some writers leave all timestamps at 0: the performance still has an order and a pace."""
    av = pytest.importorskip("av")
    path = tmp_path / "no_times.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=30)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(6):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            for packet in stream.encode(frame):
                packet.pts = packet.dts = 0
                out.mux(packet)
        for packet in stream.encode():
            packet.pts = packet.dts = 0
            out.mux(packet)
    times = np.array([f.time_s for f in read_frames(path)])
    assert len(times) == 6 and times[0] == 0 and (np.diff(times) > 1e-3).all()
