"""Times from packets are those of the decoded frames."""

import numpy as np
import pytest

from mien.errors import InputError
from mien.video import VideoWriter, read_frames
from mien_training.capture.take.film_times import film_times


def test_times_are_those_of_the_decoder(tmp_path):
    path = tmp_path / "film.mp4"
    with VideoWriter(path, 30) as film:
        for n, time_s in enumerate((0.0, 0.04, 0.11, 0.13, 0.3)):
            film.write(np.full((16, 16, 3), 40 * n, np.uint8), time_s)
    decoded = [frame.time_s for frame in read_frames(path, threads=1)]
    np.testing.assert_allclose(film_times(path), decoded, atol=1e-6)


def test_what_is_no_film(tmp_path):
    (tmp_path / "no.mp4").write_bytes(b"no film")
    with pytest.raises(InputError, match=r"no\.mp4: not a readable film"):
        film_times(tmp_path / "no.mp4")
