"""Every error has one status, and comes back as a kin of what it was."""

import grpc
import pytest

from mien import errors
from mien.service import statuses

KINDS = [
    (statuses.UnknownCharacterError, "NOT_FOUND", errors.InputError),
    (statuses.OrderError, "FAILED_PRECONDITION", errors.InputError),
    (statuses.OffsetError, "OUT_OF_RANGE", errors.InputError),
    (statuses.LimitError, "RESOURCE_EXHAUSTED", errors.ServiceError),
    (statuses.IdleError, "DEADLINE_EXCEEDED", errors.ServiceError),
    (statuses.DrainingError, "UNAVAILABLE", errors.ServiceError),
    (statuses.CredentialError, "UNAUTHENTICATED", errors.ServiceError),
    (errors.InputError, "INVALID_ARGUMENT", errors.InputError),
    (errors.ChannelError, "INVALID_ARGUMENT", errors.InputError),
    (errors.PackageError, "INTERNAL", errors.ServiceError),
]


class Ended(grpc.RpcError):
    def __init__(self, code, details):
        self.code, self.details = lambda: code, lambda: details


@pytest.mark.parametrize(("kind", "code", "back"), KINDS)
def test_there_and_back(kind, code, back):
    got, details = statuses.status_of(kind("what and why"))
    assert (got.name, details) == (code, "what and why")
    error = statuses.error_of(Ended(got, details), "there:1")
    assert isinstance(error, back)
    assert str(error).startswith(f"server there:1: what and why ({code})")


def test_faults_of_the_server_keep_their_text_at_home():
    code, details = statuses.status_of(RuntimeError("secret"))
    assert code is grpc.StatusCode.INTERNAL and "secret" not in details


def test_the_client_is_told_what_to_do():
    for code, words in (("UNAVAILABLE", "running"), ("UNAUTHENTICATED", "token")):
        assert words in str(statuses.error_of(Ended(grpc.StatusCode[code], ""), "a:1"))
