"""HSLuv to sRGB: hue and lightness of CIE LCh(uv), saturation as a share of what sRGB can show.

A colour goes LCh(uv) -> CIE Luv -> CIE XYZ -> linear sRGB (IEC 61966-2-1, white point D65).
The greatest chroma of a hue is found by bisection: at one lightness the colours that sRGB can
show are a convex polygon around grey, so a ray from grey leaves it once and for good.
"""

from __future__ import annotations

import math

_FROM_XYZ = (
    (3.240969941904521, -1.537383177570093, -0.498610760293),
    (-0.96924363628087, 1.87596750150772, 0.041555057407175),
    (0.055630079696993, -0.20397695888897, 1.056971514242878),
)
_WHITE_U, _WHITE_V = 0.19783000664283, 0.46831999493879  # u' and v' of D65
_KAPPA = 24389 / 27  # CIE's constant of the linear part of L*


def to_rgb(hue: float, saturation: float, lightness: float) -> tuple[float, float, float]:
    """Red, green, blue (0 to 1) of a hue in degrees, saturation and lightness in percent."""
    angle = math.radians(hue)
    chroma = _greatest_chroma(angle, lightness) * saturation / 100
    red, green, blue = (
        min(max(_gamma(part), 0.0), 1.0) for part in _linear(angle, chroma, lightness)
    )
    return red, green, blue


def _greatest_chroma(angle: float, lightness: float) -> float:
    inside, outside = 0.0, 512.0  # sRGB's greatest chroma is below 180
    for _ in range(48):
        middle = (inside + outside) / 2
        if all(0 <= part <= 1 for part in _linear(angle, middle, lightness)):
            inside = middle
        else:
            outside = middle
    return inside


def _linear(angle: float, chroma: float, lightness: float) -> tuple[float, ...]:
    """Linear red, green and blue, outside of 0 to 1 where sRGB has no such colour."""
    if lightness <= 0:
        return 0.0, 0.0, 0.0
    u = chroma * math.cos(angle) / (13 * lightness) + _WHITE_U
    v = chroma * math.sin(angle) / (13 * lightness) + _WHITE_V
    if v <= 0:
        return -1.0, -1.0, -1.0  # beyond every real colour
    y = ((lightness + 16) / 116) ** 3 if lightness > 8 else lightness / _KAPPA
    x = y * 9 * u / (4 * v)
    z = y * (12 - 3 * u - 20 * v) / (4 * v)
    return tuple(a * x + b * y + c * z for a, b, c in _FROM_XYZ)


def _gamma(part: float) -> float:
    if part <= 0.0031308:
        return 12.92 * part
    return float(1.055 * part ** (1 / 2.4) - 0.055)
