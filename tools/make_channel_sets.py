#!/usr/bin/env python3
"""Two folders of made pictures, for what is measured of channels and depth (benches/README.md, "Channels and depth").

    make_channel_sets.py OUT    (needs numpy and tifffile)

OUT/bands: 64x64 TIFF files of five bands, as a satellite gives them. Four kinds of ground are told by red, green and
blue; of each kind there are two of different moisture, which only the two infrared bands show.

OUT/xray: 96x96 TIFF files of 12 bits in 16, as a detector gives them: a bright body with a faint structure in it, of
six kinds, some sixty of 4,096 levels strong.
"""

import os
import sys

import numpy as np
import tifffile


def field(rng, side, scale, angle=0.0, stretch=1.0):
    """Smooth noise with a grain of so many pixels, zero mean and deviation 1."""
    y, x = np.mgrid[0:side, 0:side] / side
    u, v = x * np.cos(angle) + y * np.sin(angle), (y * np.cos(angle) - x * np.sin(angle)) * stretch
    waves = sum(
        np.sin(2 * np.pi * (side / scale) * (u * np.cos(t) + v * np.sin(t)) + rng.uniform(0, 2 * np.pi))
        for t in rng.uniform(0, np.pi, 12)
    )
    return (waves - waves.mean()) / (waves.std() + 1e-9)


def bands(rng, ground, wet):
    side, scale = 64, [6, 10, 16, 24][ground]
    base = np.array([[90, 80, 60], [60, 90, 50], [110, 100, 90], [70, 75, 85]])[ground]
    light = rng.uniform(0.7, 1.3)
    seen = field(rng, side, scale)
    red_green_blue = [light * (level + 25 * seen) + rng.normal(0, 6, (side, side)) for level in base]
    grain = field(rng, side, 5 if wet else 12, rng.uniform(0, np.pi), 1 if wet else 3)
    near = light * (120 + 35 * grain) + rng.normal(0, 6, (side, side))
    far = light * (110 - 30 * grain if wet else 110 + 30 * grain) + rng.normal(0, 6, (side, side))
    return np.clip(np.stack([*red_green_blue, near, far], -1), 0, 255).astype(np.uint8)


def xray(rng, kind):
    side = 96
    y, x = np.mgrid[0:side, 0:side] / side - 0.5
    body = np.exp(-((x / rng.uniform(0.3, 0.45)) ** 2 + (y / rng.uniform(0.35, 0.5)) ** 2) ** 2)
    turn = rng.uniform(0, np.pi)
    faint = [
        field(rng, side, 4),
        field(rng, side, 14),
        field(rng, side, 8, turn, 4),
        np.sign(field(rng, side, 10)),
        np.sin(2 * np.pi * 9 * np.hypot(x, y)),
        np.sin(2 * np.pi * 9 * (x * np.cos(turn) + y * np.sin(turn))),
    ][kind]
    values = 700 + 1600 * rng.uniform(0.8, 1.2) * body + 60 * faint * body + rng.normal(0, 12, (side, side))
    return np.clip(values, 0, 4095).astype(np.uint16)


def main():
    out, rng = sys.argv[1], np.random.default_rng(31)
    sets = {
        "bands": ([(g, w) for g in range(4) for w in (0, 1)], lambda kind: bands(rng, *kind)),
        "xray": (list(range(6)), lambda kind: xray(rng, kind)),
    }
    for name, (kinds, make) in sets.items():
        for kind in kinds:
            word = "-".join(map(str, kind)) if isinstance(kind, tuple) else str(kind)
            folder = os.path.join(out, name, f"kind-{word}")
            os.makedirs(folder, exist_ok=True)
            for index in range(150):
                picture = make(kind)
                extra = {"photometric": "minisblack", "planarconfig": "contig"} if picture.ndim == 3 else {}
                tifffile.imwrite(os.path.join(folder, f"{index:03}.tif"), picture, **extra)


if __name__ == "__main__":
    main()
