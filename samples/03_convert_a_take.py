"""Convert a Live Link Face take: mirrored, at 60 values a second, as .csv or .npz.

python samples/03_convert_a_take.py TAKE.csv OUT.npz
"""

import sys
from dataclasses import replace

import mien
from mien.channels import ARKIT_CHANNELS, mirror_name

source, out = sys.argv[1:]
take = mien.Clip.read(source).select(ARKIT_CHANNELS)

swapped = take.select([mirror_name(name) for name in take.names])  # the other side's values...
mirrored = replace(swapped, names=take.names)  # ...under this side's names
mirrored.resample(60).write(out)
print(f"{len(take)} rows over {take.duration_s:.2f} s, about {take.rate_hz:.2f} a second -> {out}")
