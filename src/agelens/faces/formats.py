"""What a file is by its first bytes, where it cannot be read: its name, and what to do with it."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Bytes of a file's head that ``recognise`` looks at.
HEAD = 1024

_CONVERT = "convert it to JPEG or PNG"
_NO_PICTURE = "it is no picture"
_UNPACK = "unpack it first"
_PREVIEW = "develop it, or use the JPEG that the camera wrote beside it"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: ``phrase`` with its article, and what its owner can do; none where it is read."""

    phrase: str
    advice: str = ""
    video: bool = False

    @property
    def read(self) -> bool:
        """Whether files of this kind are read, so that this one must be damaged."""
        return not self.advice


def _video(container: str) -> Kind:
    return Kind(f"a video ({container})", _NO_PICTURE, video=True)


HEIC = Kind("a HEIC picture", "install the 'heic' extra: pip install 'agelens[heic]'")
AVIF = Kind("an AVIF picture")
#: Read, but for the raw files that begin as it does.
TIFF = Kind("a TIFF picture or a camera's raw file", _CONVERT)

_SIGNATURES = [
    (rb"\xff\x0a|\0\0\0\x0cJXL ", Kind("a JPEG XL picture", _CONVERT)),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", Kind("a JPEG 2000 picture", _CONVERT)),
    (rb"\xff\xd8\xff", Kind("a JPEG picture")),
    (rb"\x89PNG", Kind("a PNG picture")),
    (rb"\x8aMNG", Kind("an MNG animation", _CONVERT)),
    (rb"GIF8", Kind("a GIF picture")),
    (rb"RIFF....WEBP", Kind("a WebP picture")),
    (rb"BM.{4}\0\0\0\0", Kind("a BMP picture")),
    (rb"P[1-6]\s", Kind("a portable pixmap")),
    (rb"8BPS", Kind("a Photoshop document", _CONVERT)),
    (rb"gimp xcf", Kind("a GIMP document", _CONVERT)),
    (rb"\0\0[\x01\x02]\0[^\0]", Kind("an icon or cursor", _CONVERT)),
    (rb"icns", Kind("an icon of macOS", _CONVERT)),
    (rb"v/1\x01", Kind("an OpenEXR picture", _CONVERT)),
    (rb"#\?(RADIANCE|RGBE)", Kind("a Radiance HDR picture", _CONVERT)),
    (rb"DDS ", Kind("a DirectDraw texture", _CONVERT)),
    (rb"qoif", Kind("a QOI picture", _CONVERT)),
    (rb"AT&TFORM", Kind("a DjVu document", _CONVERT)),
    (rb"SIMPLE  =", Kind("a FITS picture", _CONVERT)),
    (rb".{128}DICM", Kind("a DICOM picture", _CONVERT)),
    (rb"\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF", Kind("a Windows metafile", _CONVERT)),
    (rb"FUJIFILMCCD-RAW|II(RO|RS|U\0)|II\x1a\0\0\0HEAPCCDR|FOVb|\0MRM|....ftypcrx ",
     Kind("a camera's raw file", _PREVIEW)),
    (rb"II\*\0|MM\0\*|II\+\0|MM\0\+", TIFF),
    (rb"%!PS|\xc5\xd0\xd3\xc6", Kind("a PostScript document", _CONVERT)),
    (rb".{0,512}?%PDF-", Kind("a PDF document", "save its pages as JPEG or PNG")),
    (rb"(?i:(\xef\xbb\xbf)?\s*<([?!].*?<)?svg\b)", Kind("an SVG drawing", _CONVERT)),
    (rb"(?i:(\xef\xbb\xbf)?\s*<(!doctype )?html\b)", Kind("a web page", _NO_PICTURE)),
    (rb"....ftyp(qt  |isom|iso[2-9]|mp4[12]|avc1|M4V |MSNV|3g[gp2]|dash|f4v )|....(moov|mdat|wide)",
     _video("MP4 or QuickTime")),
    (rb"\x1a\x45\xdf\xa3", _video("Matroska or WebM")),
    (rb"RIFF....AVI ", _video("AVI")),
    (rb"FLV\x01", _video("Flash")),
    (rb"\0\0\x01[\xba\xb3]|G.{187}G|.{4}G.{191}G", _video("MPEG")),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", _video("Windows Media")),
    (rb"OggS|fLaC|ID3|RIFF....WAVE", Kind("a sound, or a video (Ogg)", _NO_PICTURE)),
    (rb"PK[\x03\x05]|7z\xbc\xaf|Rar!|\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd|.{257}ustar",
     Kind("an archive", _UNPACK)),
    (rb"\x7fELF|MZ|\xcf\xfa\xed\xfe", Kind("a program", _NO_PICTURE)),
]  # fmt: skip
_PATTERNS = [(re.compile(pattern, re.DOTALL), kind) for pattern, kind in _SIGNATURES]

#: Brands of ISO base media files (ISO/IEC 23008-12, annex B) whose pictures are coded in HEVC.
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs"})


def recognise(head: bytes) -> Kind | None:
    """The kind of a file whose first bytes these are (1,024 are enough); None where it is not known."""
    if head[4:8] == b"ftyp":
        length = min(int.from_bytes(head[:4], "big"), len(head))
        brands = {head[at : at + 4] for at in (8, *range(16, length - 3, 4))}
        if brands & {b"avif", b"avis"}:
            return AVIF
        if brands & _HEIC_BRANDS or head[8:12] in (b"mif1", b"msf1"):
            return HEIC
    return next((kind for pattern, kind in _PATTERNS if pattern.match(head)), None)
