#!/usr/bin/env python3
"""Two folders of made pictures, for what is measured of channels and depth (benches/README.md, "Channels and depth").

    make_channel_sets.py OUT    (needs numpy and tifffile)

OUT/bands: 64x64 TIFF files of five bands, as a satellite gives them. Four kinds of ground are told by a pattern in red,
green and blue; of each there are two of different moisture, which only a pattern in the two infrared bands shows.

OUT/xray: 96x96 TIFF files of 12 bits in 16, as a detector gives them: a bright body with a faint pattern in it, of six
kinds, some two hundred of 4,096 levels strong.
"""

import os
import sys

import numpy as np
import tifffile


def pattern(rng, side, kind):
    """One of six patterns of about equal grain, anywhere and turned a little: zero mean, deviation 1."""
    y, x = np.mgrid[0:side, 0:side] / side - 0.5
    turn, grain = rng.uniform(-0.15, 0.15), rng.uniform(7, 9)
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    u, v = 2 * np.pi * grain * u + rng.uniform(0, 6.3), 2 * np.pi * grain * v + rng.uniform(0, 6.3)
    centre = rng.uniform(-0.3, 0.3, 2)
    found = [
        lambda: np.sin(u),  # stripes
        lambda: np.sign(np.sin(u / 2) * np.sin(v / 2)),  # a chessboard
        lambda: np.sin(2 * np.pi * grain * np.hypot(x - centre[0], y - centre[1])),  # rings
        lambda: (np.sin(u) + np.sin(v) > 1.1).astype(float),  # dots
        lambda: np.sin(u + 2.5 * np.sin(v / 2)),  # waves
        lambda: np.maximum(np.sin(u), np.sin(v)),  # a grid
    ][kind]()
    return (found - found.mean()) / found.std()


def bands(rng, ground, wet):
    side, light = 64, rng.uniform(0.8, 1.2)
    noise = lambda: rng.normal(0, 8, (side, side))
    seen, infrared = pattern(rng, side, ground), pattern(rng, side, (2 * ground + 1 + wet) % 6)
    colours = [light * (level + 30 * seen) + noise() for level in (90, 100, 80)]
    near, far = light * (120 + 50 * infrared) + noise(), light * (110 - 50 * infrared) + noise()
    return np.clip(np.stack([*colours, near, far], -1), 0, 255).astype(np.uint8)


def xray(rng, kind):
    side = 96
    y, x = np.mgrid[0:side, 0:side] / side - 0.5
    body = np.exp(-((x / rng.uniform(0.4, 0.5)) ** 2 + (y / rng.uniform(0.4, 0.5)) ** 2) ** 2)
    values = 700 + 1200 * rng.uniform(0.9, 1.1) * body + 200 * pattern(rng, side, kind) * body
    return np.clip(values + rng.normal(0, 20, (side, side)), 0, 4095).astype(np.uint16)


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
