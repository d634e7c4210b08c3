import csv

import numpy as np
import pytest

from mien.channels import ARKIT_CHANNELS, HEAD_CHANNELS, LIVE_LINK_CSV, NEUROSYNC
from mien.clip import Clip
from mien.errors import ChannelError, InputError

TAKE = "livelink_rom/alex_rom_3.csv"


def csv_text(timecodes, names=LIVE_LINK_CSV, counts=None, count_name="BlendshapeCount") -> str:
    """A take in which column j of row i holds i + j / 1000."""
    lines = [f"Timecode,{count_name},{','.join(names)}"]
    for i, timecode in enumerate(timecodes):
        count = len(names) if counts is None else counts[i]
        cells = [f"{i + j / 1000:.10f}" if count else "" for j in range(len(names))]
        lines.append(f"{timecode},{count},{','.join(cells)}")
    return "\n".join(lines) + "\n"


def read(tmp_path, text, **options) -> Clip:
    path = tmp_path / "take.csv"
    path.write_text(text)
    return Clip.read(path, **options)


def test_the_real_take(shared_data):
    take = Clip.read(shared_data(TAKE))
    assert take.names[:16] == (*ARKIT_CHANNELS[:15], "jawRight")
    assert set(take.names) == {*ARKIT_CHANNELS, *HEAD_CHANNELS}
    assert len(take) == 4030
    assert take.duration_s == pytest.approx(134.3818, abs=1e-3)
    assert take.rate_hz == pytest.approx(30, abs=0.01)
    # Three frames of the recording are missing; the times show the gaps, nothing else is uneven.
    steps = np.diff(take.times_s) * 30
    assert sorted(np.rint(steps[np.rint(steps) != 1]).tolist()) == [2, 2, 2]
    np.testing.assert_allclose(steps, np.rint(steps), atol=2e-3)
    assert take["eyeLookInRight"].max() > 1.003 and not take["headYaw"].any()


def test_the_real_takes_round_trip(shared_data, tmp_path):
    take = Clip.read(shared_data(TAKE))
    take.write(tmp_path / "again.csv")
    again = Clip.read(tmp_path / "again.csv")
    assert again.names == take.names and again.timecode_s == take.timecode_s
    np.testing.assert_allclose(again.times_s, take.times_s, rtol=0, atol=1e-6)
    np.testing.assert_allclose(again.values, take.values, rtol=0, atol=1e-6)
    # The app's own bytes come out again.
    assert (tmp_path / "again.csv").read_bytes() == shared_data(TAKE).read_bytes()


def test_left_and_right_follow_the_column_names(shared_data, tmp_path):
    with shared_data(TAKE).open() as file:
        rows = list(csv.DictReader(file))
    take = Clip.read(shared_data(TAKE))
    for channel in ("jawLeft", "jawRight", "mouthLeft", "mouthRight"):
        column = [float(row[channel[0].upper() + channel[1:]]) for row in rows]
        np.testing.assert_allclose(take[channel], column, atol=1e-6)
    assert not np.allclose(take["jawLeft"], take["jawRight"])
    # In canonical order the pairs change places; written again they stand as the app has them.
    canonical = take.select(ARKIT_CHANNELS)
    np.testing.assert_array_equal(canonical.values[:, 15], take.values[:, 16])
    np.testing.assert_array_equal(canonical.values[:, 21], take.values[:, 22])
    canonical.write(tmp_path / "canonical.csv")
    with (tmp_path / "canonical.csv").open() as file:
        assert next(csv.reader(file))[17:19] == ["JawRight", "JawLeft"]
    back = Clip.read(tmp_path / "canonical.csv")
    np.testing.assert_array_equal(back["mouthLeft"], take["mouthLeft"])


def test_frame_numbers_are_sixtieths_whatever_the_rate(tmp_path):
    clip = read(tmp_path, csv_text(["10:59:59:58.500", "11:00:00:00.500", "11:00:00:03.250"]))
    np.testing.assert_allclose(clip.times_s, np.array([0, 2, 4.75]) / 60, atol=1e-9)
    assert clip.timecode_s == pytest.approx(10 * 3600 + 59 * 60 + 59 + 58.5 / 60)


def test_a_take_over_midnight(tmp_path):
    clip = read(tmp_path, csv_text(["23:59:59:58.000", "00:00:00:00.000", "00:00:00:02.000"]))
    np.testing.assert_allclose(clip.times_s * 60, [0, 2, 4], atol=1e-6)
    clip.write(tmp_path / "again.csv")
    written = [line.split(",")[0] for line in (tmp_path / "again.csv").read_text().split()]
    assert written[1:] == ["23:59:59:58.000", "00:00:00:00.000", "00:00:00:02.000"]


@pytest.mark.parametrize("count_name", ["BlendshapeCount", "BlendShapeCount"])
@pytest.mark.parametrize("names", [LIVE_LINK_CSV, NEUROSYNC, LIVE_LINK_CSV[:52]])
def test_sizes_and_spellings_in_the_wild(tmp_path, count_name, names):
    clip = read(tmp_path, csv_text(["00:00:01:00.000"], names, count_name=count_name))
    assert len(clip.names) == len(names)
    assert clip["jawRight"] == np.float32(names.index("JawRight") / 1000)
    clip.write(tmp_path / "again.csv")
    again = Clip.read(tmp_path / "again.csv").select(clip.names)
    np.testing.assert_array_equal(again.values, clip.values)


def test_byte_order_mark_carriage_returns_and_minus_zero(tmp_path):
    text = csv_text(["00:00:01:00.000"]).replace("0.0000000000", "-0.0000000000", 1)
    clip = read(tmp_path, "\ufeff" + text.replace("\n", "\r\n"))
    assert clip.values[0, 0] == 0 and np.signbit(clip.values[0, 0])
    clip.write(tmp_path / "again.csv")
    assert np.signbit(Clip.read(tmp_path / "again.csv").values[0, 0])


def test_rows_without_a_face_leave_a_gap(tmp_path):
    codes = ["00:00:01:00.000", "00:00:01:02.000", "00:00:01:04.000"]
    clip = read(tmp_path, csv_text(codes, counts=[61, 0, 61]))
    np.testing.assert_allclose(clip.times_s * 60, [0, 4], atol=1e-6)


def test_a_timecode_of_another_rate_is_noticed(tmp_path):
    codes = [f"00:00:{i // 24:02}:{i % 24:02}.000" for i in range(120)]
    with pytest.raises(InputError, match="24 frames a second"):
        read(tmp_path, csv_text(codes))
    clip = read(tmp_path, csv_text(codes), timecode_fps=24)
    np.testing.assert_allclose(np.diff(clip.times_s), 1 / 24, atol=1e-9)


GOOD = csv_text(["00:00:01:00.000", "00:00:01:02.000"])


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", InputError, "header must start with"),
        ("a,b,c\n", InputError, "header must start with"),
        (csv_text([]), InputError, "no row with a face"),
        (GOOD.replace("JawOpen", "JawOpne"), ChannelError, "column 'JawOpne'"),
        (GOOD.replace("JawOpen", "JawLeft", 1), ChannelError, "'JawLeft'.*twice"),
        (csv_text(["00:00:01:00.000"], LIVE_LINK_CSV[:50]), ChannelError, "no column for"),
        (GOOD.replace("01:02.000", "01:00.000"), InputError, "row 3, column Timecode"),
        (GOOD.replace("00:00:01:02.000", "00:00:00:02.000"), InputError, "row 3, column Timecode"),
        (GOOD.replace("00:00:01:02.000", "1.25"), InputError, "row 3, column Timecode"),
        (GOOD.replace("01:02.000", "01:60.000"), InputError, "frame 60.0 of a second"),
        (GOOD.replace("00:00:01:02.000", "24:00:01:02.000"), InputError, "row 3"),
        (GOOD.replace("0.0000000000", "x", 1), InputError, "row 2, column EyeBlinkLeft: 'x'"),
        (GOOD.replace("1.0010000000", "nan", 1), InputError, "row 3, column EyeLookDownL.*nan"),
        (GOOD.replace("1.0010000000", "1e99", 1), InputError, "row 3, column EyeLookDownLeft"),
        (GOOD.replace("1.0010000000", "", 1), InputError, "row 3, column EyeLookDownLeft"),
        (GOOD.replace(",61,", ",17,", 1), InputError, "row 2, column BlendshapeCount"),
        (GOOD + "00:00:01:04.000,61,0.5\n", InputError, "row 4 has 3 columns"),
    ],
)  # fmt: skip
def test_damage_is_named_by_row_and_column(tmp_path, text, error, message):
    with pytest.raises(error, match=message):
        read(tmp_path, text)


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "take.csv").write_bytes(b"\x89PNG\xff\xfe\x00")
    with pytest.raises(InputError, match="not a Live Link Face CSV"):
        Clip.read(tmp_path / "take.csv")


def test_times_closer_than_a_timecode_are_refused(tmp_path):
    clip = Clip(("jawOpen",), np.array([0.0, 1e-6]), np.zeros((2, 1)))
    with pytest.raises(InputError, match="closer than a timecode"):
        clip.write(tmp_path / "take.csv")
