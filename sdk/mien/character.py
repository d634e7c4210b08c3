"""A loaded character package: one person's rig and animator, ready to be driven."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from mien.character_avatars import CharacterAvatars
from mien.clip import CLIP_SUFFIXES, Clip
from mien.driving import Drive, drive_from_clip, drive_from_images
from mien.errors import ChannelError, InputError, PackageError
from mien.frame import Frame
from mien.manifest import Manifest
from mien.observation import Source
from mien.onnx_session import Providers, provider_names
from mien.package import ANIMATOR, DETAIL, Package, read_package
from mien.performer import Performer
from mien.recording import Recording, check_avatar_previews, record
from mien.session import Session
from mien.session_options import SessionOptions
from mien.take import check_takes
from mien.tracked_source import ImageSource, TrackedSource
from mien.tracker import Tracker
from mien.tracker.features import FeatureLayout

if TYPE_CHECKING:
    from mien.animator import Animator
    from mien.detail import DetailMaps
    from mien.detail_normals import DetailNormals
    from mien.rig import Rig
    from mien.wrinkle_model import WrinkleModel

__all__ = ["Character", "load"]


@dataclass(frozen=True, eq=False)
class Character(CharacterAvatars):
    """One person, from a `.mien` file; `load` makes it.

    The rig and the network are read, and checked against the manifest, when they are first used.

    >>> ada = mien.load(SPHERE)
    >>> ada.name, ada.channel_names
    ('Sphere', ('jawOpen', 'mouthSmileLeft', 'browInnerUp'))
    """

    package: Package
    providers: Providers = None
    """Where its networks run: "cpu" (None too), "cuda", or ONNX Runtime's names."""
    threads: int = 1
    """That work on one run of a network."""

    @property
    def manifest(self) -> Manifest:
        """What the package says of itself."""
        return self.package.manifest

    @property
    def name(self) -> str:
        """The character's name."""
        return self.manifest.name

    @property
    def channel_names(self) -> tuple[str, ...]:
        """C names, in the order of `Frame.channels`."""
        return self.manifest.channels

    @property
    def detail_names(self) -> tuple[str, ...]:
        """R wrinkle regions, in the order of `Frame.detail`; none for a character without skin
        detail.

        >>> mien.load(SPHERE).detail_names
        ()
        """
        entry = self.manifest.detail
        return () if entry is None else entry.regions

    @cached_property
    def layout(self) -> FeatureLayout:
        """The features that drive this character. Raises PackageError if they are unknown here."""
        where = f"character {self.name!r}"
        try:
            layout = FeatureLayout(self.manifest.features)
        except ChannelError as error:
            raise PackageError(f"{where}: manifest.json: features: {error}") from None
        if layout.size != self.manifest.feature_size:
            raise PackageError(
                f"{where}: manifest.json: feature_size is {self.manifest.feature_size}, its groups "
                f"have {layout.size} values"
            )
        return layout

    @cached_property
    def rig(self) -> Rig:
        """Mesh, blendshapes and joints from character.glb. Raises PackageError."""
        return self.package.rig()

    @cached_property
    def animator(self) -> Animator:
        """The recurrent network; sessions share it. Raises PackageError if it cannot be used."""
        from mien.animator import Animator

        where = f"character {self.name!r}: {ANIMATOR}"
        data = self.package.read_bytes(ANIMATOR)
        try:
            animator = Animator(data, self.channel_names, self.layout, self.threads, self.providers)
        except InputError as error:
            raise PackageError(f"{where}: {error}") from None
        self.package.check_model(ANIMATOR, animator.session)
        return animator

    @cached_property
    def wrinkles(self) -> WrinkleModel | None:
        """What gives `Frame.detail`; None for a character without skin detail. Raises PackageError
        if it cannot be used.

        >>> mien.load(SPHERE).wrinkles is None
        True
        """
        entry = self.manifest.detail
        if entry is None:
            return None
        from mien.wrinkle_model import WrinkleModel

        data = self.package.read_bytes(DETAIL)
        try:
            model = WrinkleModel(data, self.channel_names, entry.regions, self.providers)
        except InputError as error:
            raise PackageError(f"character {self.name!r}: {DETAIL}: {error}") from None
        self.package.check_model(DETAIL, model.session)
        return model

    def detail_maps(self, size: int = 256) -> DetailMaps:
        """Displacement maps of at most `size` texels a side, to be blended by `Frame.detail`.
        Raises InputError for a character without skin detail, PackageError for broken images.

        >>> mien.load(SPHERE).detail_maps(256)
        Traceback (most recent call last):
        mien.errors.InputError: character 'Sphere' has no skin detail
        """
        from mien.detail import DetailMaps

        return DetailMaps.of(self.package, size)

    def detail_normals(self, size: int = 256) -> DetailNormals:
        """Normal maps at the size of `detail_maps`, to be blended by `Frame.detail`. Raises as that
        does.

        >>> mien.load(SPHERE).detail_normals(256)
        Traceback (most recent call last):
        mien.errors.InputError: character 'Sphere' has no skin detail
        """
        from mien.detail_normals import DetailNormals

        return DetailNormals.of(self.package, self.detail_maps(size))

    def session(
        self,
        neutral: NDArray[np.floating] | None = None,
        options: SessionOptions | None = None,
    ) -> Session:
        """A new performer.

        `neutral` is the driver's relaxed face as (F,) raw features; without it the first frames
        give an estimate. `options` has the settings: smoothing, calibration, loss of the face.

        >>> options = mien.SessionOptions(smoothing=mien.OneEuroConfig())
        >>> mien.load(SPHERE).session(options=options).calibrating
        True
        """
        return Session(
            self.animator, self.layout, self.channel_names, options, neutral, self.wrinkles
        )

    def drive(
        self,
        source: ImageSource | Clip | TrackedSource,
        *,
        neutral: NDArray[np.floating] | None = None,
        options: SessionOptions | None = None,
        performer: Performer | None = None,
        tracker: Tracker | None = None,
        limit: int | None = None,
    ) -> Drive:
        """The character driven by `source`: an iterator of one Frame per image, in constant memory.

        `source`: video file, image folder, image, "camera:N", an iterable of (image, time_s), a
        Clip or a clip's file (.csv, .npz); or a TrackedSource, which has its own tracker and limit.
        Of a camera the latest image wins and the others are counted (`Drive.statistics`); closing
        the iterator releases it.

        `neutral` is the driver's relaxed face, (F,) raw features. Without it a file's is estimated
        before the first frame (from all images up to 600, else from an even selection), that of
        other sources from the first `SessionOptions.calibration_frames`. `performer` steps in place
        of a new session of this character: one on a server, say; it is calibrated, not closed. (A
        server ends sessions that are silent for a minute: for hours of video give the `neutral`.)
        `tracker` finds the face, `limit` ends after so many images. A clip's channels are taken as
        they are.

        Raises InputError for a source that is missing or unreadable.

        >>> for frame in mien.load(SPHERE).drive(TAKE):
        ...     print(frame.time_s, frame["jawOpen"])
        0.0 0.25
        0.5 0.75
        """
        if isinstance(source, Clip) or _is_clip(source):
            given = {"neutral": neutral, "options": options, "performer": performer}
            for name, value in {**given, "tracker": tracker}.items():
                if value is not None:
                    raise InputError(f"drive: {name} goes with images, and the source is a clip")
            clip = source if isinstance(source, Clip) else Clip.read(cast(str, source))
            where = "clip" if isinstance(source, Clip) else str(source)
            wrinkles = None if self.wrinkles is None else self.wrinkles.weights
            return drive_from_clip(clip, self.channel_names, where, limit, wrinkles)
        if performer is not None and options is not None:
            raise InputError("drive: options belong to a new session; the performer has its own")
        tracked = self._tracked(source, tracker, limit)
        options = options or SessionOptions()
        if performer is None and neutral is None and not options.calibration_frames:
            if not tracked.from_file:
                raise InputError(
                    "drive: with calibration_frames=0 a live source needs the driver's neutral"
                )

        def open_performer() -> tuple[Callable[[Source, float], Frame], Callable[[], None]]:
            used = neutral
            if used is None and tracked.from_file:
                used = tracked.neutral(self.layout if performer is None else performer.layout)
            if performer is None:
                session = self.session(used, options)
                return session.step, session.close
            if used is not None:
                performer.calibrate(neutral=used)
            return performer.step, _nothing

        return drive_from_images(tracked, open_performer)

    def _tracked(
        self, source: ImageSource | TrackedSource, tracker: Tracker | None, limit: int | None
    ) -> TrackedSource:
        if not isinstance(source, TrackedSource):
            tracker = tracker or Tracker(threads=self.threads, providers=self.providers)
            return TrackedSource(source, tracker, limit)
        if tracker is not None or limit is not None:
            raise InputError("drive: the TrackedSource has its own tracker and limit")
        return source

    def record(
        self,
        source: ImageSource | Clip | TrackedSource,
        *files: str | os.PathLike[str],
        neutral: NDArray[np.floating] | None = None,
        options: SessionOptions | None = None,
        performer: Performer | None = None,
        tracker: Tracker | None = None,
        limit: int | None = None,
        avatar: bool = False,
    ) -> Recording:
        """Drive the character with `source` and write the take to `files`, by suffix.

        .csv (Live Link Face) and .npz here; .glb, .png, .gif and .mp4 through the extras `export`
        and `train`; with `avatar` the last three show the photoreal avatar. Ctrl-C ends the
        recording, and what came before is saved; `Recording` says so. While a file's neutral is
        looked for, that is the images looked at: of a file of more than 600, every second or fewer.
        Keywords as `drive` takes them. Raises InputError as `drive`
        does and for files that cannot be written, before anything is read; MissingExtraError where
        an extra is missing.

        >>> mien.load(SPHERE).record(TAKE, FOLDER / "take.npz").frames
        2
        """
        paths = [Path(file) for file in files]
        check_takes(paths)
        if avatar:
            check_avatar_previews(self, paths)
        drive = self.drive(
            source,
            neutral=neutral,
            options=options,
            performer=performer,
            tracker=tracker,
            limit=limit,
        )
        return record(self, drive, paths, avatar=avatar)


def load(
    path: str | os.PathLike[str] | bytes, providers: Providers = None, threads: int = 1
) -> Character:
    """Open a character package: a `.mien` file, a folder of the same content, or its bytes.

    `providers` says where its networks and its tracker's run: "cpu" (None too), "cuda", ONNX
    Runtime's names, or several in order of preference. `threads` work on one run of a network.

    Raises PackageError, naming the file, for a package that is damaged or of another version;
    MissingExtraError for CUDA that is not installed (extra `gpu`), InputError for a provider that
    is not known.

    >>> mien.load(SPHERE, providers="cpu").manifest.licence
    'CC0-1.0'
    """
    if providers is not None:
        provider_names(providers)  # refuse now, not at the first frame
    if threads < 1:
        raise InputError(f"load: threads is {threads}, expected 1 or more")
    character = Character(read_package(path), providers, threads)
    _ = character.layout  # refuse unknown features now, not at the first frame
    return character


def _is_clip(source: object) -> bool:
    if not isinstance(source, (str, os.PathLike)):
        return False
    return Path(source).suffix.lower() in CLIP_SUFFIXES


def _nothing() -> None:
    """A performer of the caller's stays open."""
