"""A data set of three moments in two files."""

import pytest


@pytest.fixture(scope="session")
def dataset_spec(capture_spec):
    from dataclasses import replace

    from mien_training.synthetic.capture import CaptureDatasetSpec

    small = replace(capture_spec, rig=replace(capture_spec.rig, long_side=48), scan=replace(
        capture_spec.scan, points=300))  # fmt: skip
    return CaptureDatasetSpec(moment=small, moments=3, first_seed=4, moments_per_shard=2)


@pytest.fixture(scope="session")
def dataset(dataset_spec, tmp_path_factory):
    from mien_training.runs import shards
    from mien_training.runs.progress import Progress
    from mien_training.synthetic.capture import generate_captures

    def run(work, jobs, workers, report):
        for done, job in enumerate(jobs, 1):
            work(job)
            report(Progress("", done, len(jobs)))

    folder = tmp_path_factory.mktemp("captures")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "run_in_processes", run)
        generate_captures(dataset_spec, folder)
    return folder
