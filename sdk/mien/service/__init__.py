"""The service: characters and their animation over gRPC. The only part of mien that needs grpc.

`server` and `client` are the doors; nothing is imported here, so that a client loads no server.
"""

__all__ = ["client", "server"]
