"""What a picture is, by its bytes alone."""

import builtins
import io
import struct

import pytest
from PIL import Image

from xmppctl.errors import UsageError
from xmppctl.protocol import pictures

PNG = b"\x89PNG\r\n\x1a\nrest"


@pytest.mark.parametrize(
    ("data", "kind"),
    [(PNG, "image/png"), (b"\xff\xd8\xff\xe0", "image/jpeg"), (b"GIF87a", "image/gif"),
     (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
     (b"\n<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml")],
)  # fmt: skip
def test_types(data, kind):
    assert pictures.media_type(data) == kind
    assert pictures.size(data) is None


@pytest.mark.parametrize("data", [b"", b"text", b"RIFFxxxxWAVE", b"about <svg"])
def test_what_is_no_picture(data):
    assert pictures.kind_of(data) is None
    with pytest.raises(UsageError):
        pictures.media_type(data)


def made(form, size=(70, 50), mode="RGB", **options):
    out = io.BytesIO()
    Image.new(mode, size, 100).save(out, form, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("form", "options"),
    [("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("GIF", {"mode": "P"}),
     ("WEBP", {}), ("WEBP", {"lossless": True}), ("WEBP", {"mode": "RGBA", "exif": b"Exif\0\0"})],
)  # fmt: skip
def test_sizes(form, options):
    data = made(form, **options)
    assert pictures.size(data) == (70, 50)
    for end in range(min(len(data), 40)):
        assert pictures.size(data[:end]) in (None, (70, 50))


def test_broken_headers():
    assert pictures.size(b"\xff\xd8\xff\xe0" + b"\0\0" * 9) is None
    assert pictures.size(b"\xff\xd8\xff\xff\xff\xe0\x00\x02\x00rest........") is None
    assert pictures.size(b"GIF89a" + struct.pack("<HH", 0, 5)) is None


@pytest.mark.parametrize("form", ["JPEG", "GIF", "WEBP"])
def test_conversion(form):
    data = pictures.to_png(made(form, mode="P" if form == "GIF" else "RGB"))
    assert pictures.kind_of(data) == "image/png"
    assert pictures.size(data) == (70, 50)


def test_a_photograph_on_its_side():
    turned = Image.Exif()
    turned[0x0112] = 6
    assert pictures.size(pictures.to_png(made("JPEG", exif=turned))) == (50, 70)


def test_a_png_stays_what_it_is():
    data = made("PNG")
    assert pictures.to_png(data) is data


def test_a_png_is_all_there():
    data = made("PNG")
    for broken in (PNG, data[:-1], data[:-12], data[:40], data[:33], data[:8]):
        with pytest.raises(UsageError, match="not all of it"):
            pictures.to_png(broken)


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"text", "no PNG"), (b"<svg/>", "SVG"), (b"\xff\xd8\xff\xe0rest", "cannot be read"),
     (b"GIF89a" + struct.pack("<HH", 60000, 60000), "60000 x 60000")],
)  # fmt: skip
def test_what_cannot_be_converted(data, says):
    with pytest.raises(UsageError, match=says):
        pictures.to_png(data)


def test_without_pillow(monkeypatch):
    data = made("JPEG")
    real = builtins.__import__

    def without(name, *args, **more):
        if name.partition(".")[0] == "PIL":
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError) as caught:
        pictures.to_png(data)
    assert caught.value.condition == "missing-dependency"
    assert "xmppctl[avatar]" in caught.value.hint
