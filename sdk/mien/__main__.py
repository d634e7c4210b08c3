"""The command line: finds the command's words, builds its config from the rest, runs it.

Commands are named by words (`train animator`). The runtime's own stand in `COMMANDS`; installed
extras add theirs through the entry-point group `mien.commands`, words joined by dots. Only the
chosen command's module is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import Any, get_type_hints

from mien import __version__
from mien.errors import InputError, MienError, MissingExtraError

__all__ = ["main"]

COMMANDS = {
    "drive": "mien.commands.drive:run",
    "info": "mien.commands.info:run",
    "serve": "mien.commands.serve:run",
    "track": "mien.commands.track:run",
    "verify": "mien.commands.verify:run",
}
EXTRA_OF = {"mien_training": "train", "mien_exporters": "export"}

USAGE = """usage: mien COMMAND [OPTIONS]     (mien COMMAND --help tells the options)

commands:
{commands}
  --version

Exit status: 0 done, 1 the work failed, 2 the call was wrong."""


def _available() -> dict[str, str]:
    """Command words -> "module:function" of everything that is installed."""
    found = dict(COMMANDS)
    for entry in entry_points(group="mien.commands"):
        found[entry.name.replace(".", " ")] = entry.value
    return found


def _load(target: str) -> tuple[type[Any], Callable[[Any], int]]:
    """The config class and the run function behind "module:function"."""
    from importlib import import_module

    module_name, _, function = target.partition(":")
    try:
        run = getattr(import_module(module_name), function)
    except ImportError as error:
        extra = EXTRA_OF.get(module_name.partition(".")[0])
        if extra is None or _missing_is_ours(error.name or ""):
            raise
        raise MissingExtraError(
            f"this command needs {error.name}: pip install 'mien[{extra}]'"
        ) from error
    return get_type_hints(run)["config"], run


def _missing_is_ours(module: str) -> bool:
    """Whether a failed import names a part of mien itself: a fault of ours, not a missing extra."""
    return module.partition(".")[0] in {"mien", "mien_exporters", "mien_training"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["--version"]:
        print(f"mien {__version__}")
        return 0
    available = _available()
    # The longest match wins, so that `export tracker` is not taken for `export FILE`.
    for length in (2, 1):
        name = " ".join(words[:length])
        if name in available and len(words) >= length:
            return _run(name, available[name], words[length:])
    family = [name for name in sorted(available) if name.startswith(" ".join(words[:1]) + " ")]
    if words and family:
        asked = words[1:2] in (["-h"], ["--help"])
        members = "\n".join(f"  mien {name}" for name in family)
        text = f"usage: one of these, whose options its own --help tells\n{members}"
        print(text, file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    usage = USAGE.format(commands="\n".join(f"  {name}" for name in sorted(available)))
    if not words or words[0] in ("-h", "--help"):
        print(usage)
        return 0 if words else 2
    print(f"mien: there is no command {words[0]!r}\n{usage}", file=sys.stderr)
    return 2


def _run(name: str, target: str, arguments: list[str]) -> int:
    import tyro

    try:
        config_class, run = _load(target)
        config = tyro.cli(config_class, args=arguments, prog=f"mien {name}")
        return run(config)
    except InputError as error:
        print(f"mien {name}: {error}", file=sys.stderr)
        return 2
    except MienError as error:
        print(f"mien {name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"mien {name}: interrupted", file=sys.stderr)
        return 1
    except SystemExit as request:  # tyro's --help (0) and wrong calls (2)
        return int(request.code or 0)


if __name__ == "__main__":
    sys.exit(main())
