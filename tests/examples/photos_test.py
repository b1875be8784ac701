#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The library of photographs, killed over and over in the middle of an import: what it said it had taken in is whole, a
picture never comes without its thumbnail, the album appears only with the run that ends.

    photos_test.py PROGRAM [SEED]
"""
import os
import random
import subprocess
import sys

from example import Case, main

PICTURES = 24


def exif(taken, thumbnail):
    """A TIFF block, little endian: IFD0 with a pointer to the EXIF directory, IFD1 with the thumbnail."""
    def entry(tag, kind, count, value):
        return tag.to_bytes(2, 'little') + kind.to_bytes(2, 'little') + count.to_bytes(4, 'little') + \
            value.to_bytes(4, 'little')

    def directory(entries, following):
        return len(entries).to_bytes(2, 'little') + b''.join(entries) + following.to_bytes(4, 'little')
    photo, second = 8 + 18, 8 + 18 + 18
    text = second + 30
    small = text + 20
    block = b'II*\0' + (8).to_bytes(4, 'little')
    block += directory([entry(0x8769, 4, 1, photo)], second)
    block += directory([entry(0x9003, 2, 20, text)], 0)
    block += directory([entry(0x0201, 4, 1, small), entry(0x0202, 4, 1, len(thumbnail))], 0)
    return block + taken.encode() + b'\0' + thumbnail


def segment(marker, payload):
    return bytes([0xff, marker]) + (len(payload) + 2).to_bytes(2, 'big') + payload


def jpeg(taken, thumbnail, noise):
    frame = bytes([8]) + (480).to_bytes(2, 'big') + (640).to_bytes(2, 'big') + bytes([1, 1, 0x11, 0])
    return b'\xff\xd8' + segment(0xe1, b'Exif\0\0' + exif(taken, thumbnail)) + segment(0xc0, frame) + \
        segment(0xda, b'\1\1\0\0\x3f\0') + noise + b'\xff\xd9'


def png(noise):
    return b'\x89PNG\r\n\x1a\n' + (13).to_bytes(4, 'big') + b'IHDR' + (32).to_bytes(4, 'big') + \
        (16).to_bytes(4, 'big') + b'\x08\2\0\0\0' + noise


class Photos(Case):
    def setUp(self):
        super().setUp()
        self.folder = self.path / 'summer'
        self.folder.mkdir()
        self.random = random.Random(self.seed)
        self.pictures = {}
        for i in range(PICTURES):
            size = self.random.choice([100, 5000, 70_000, 900_000])
            noise = self.random.randbytes(size)
            name, month = f'p{i:02}.jpg', 1 + i % 12
            content = jpeg(f'2026:{month:02}:09 18:20:01', self.random.randbytes(50 + i), noise)
            (self.folder / name).write_bytes(content)
            self.pictures[f'pictures/2026/{month:02}/{name}'] = content
        (self.folder / 'drawing.png').write_bytes(png(b'x' * 500))
        os.utime(self.folder / 'drawing.png', (1772366400, 1772366400))
        self.pictures['pictures/2026/03/drawing.png'] = png(b'x' * 500)
        (self.folder / 'notes.txt').write_text('no picture')

    def photos(self, *arguments, code=0):
        ran = subprocess.run([self.program, self.path / 'store', *arguments], capture_output=True, timeout=600)
        self.assertEqual(ran.returncode, code, ran.stderr.decode())
        return ran.stdout

    def import_and_kill(self, lines):
        """Kills the import after that many lines of its output; what it said."""
        with subprocess.Popen([self.program, self.path / 'store', 'import', self.folder], stdout=subprocess.PIPE,
                              text=True) as process:
            said = [process.stdout.readline() for _ in range(lines)]
            process.kill()
            return [line for line in said + process.stdout.readlines() if line.endswith('\n')]

    def test_killed_in_the_middle(self):
        said = set()
        while len(said) < PICTURES // 2:
            for line in self.import_and_kill(len(said) + 1 + self.random.randrange(4)):
                word, path = line.split()
                self.assertEqual(word, 'present' if path in said else word)
                said.add(path)
            whole = {line.split()[1] for line in self.photos('check').decode().splitlines()}
            self.assertLessEqual(said, whole)
            self.assertEqual(self.photos('albums'), b'')
            for path in whole:
                if path.startswith('pictures/'):
                    self.assertEqual(self.photos('export', path), self.pictures[path])
                    self.assertTrue(path.endswith('.png') or path.replace('pictures/', 'thumbnails/') in whole)
        lines = self.photos('import', self.folder).decode().splitlines()
        self.assertEqual(lines.pop(), f'album summer: {PICTURES + 1} pictures')
        for path in said:
            self.assertIn(f'present {path}', lines)
        self.assertEqual(self.photos('albums').decode(), f'{PICTURES + 1} summer/\n')
        album = self.photos('album', 'summer').decode()
        self.assertIn('2026:03:09 18:20:01   640 x 480   pictures/2026/03/p02.jpg', album)
        self.assertEqual(len(album.splitlines()), PICTURES + 1)
        # Links, pictures, thumbnails.
        self.assertEqual(len(self.photos('check').splitlines()), PICTURES + 1 + PICTURES + PICTURES + 1)

    def test_what_cannot_be_imported_makes_no_album(self):
        self.photos('import', self.folder)
        (self.folder / 'p00.jpg').write_bytes(jpeg('2026:01:09 18:20:01', b'', b'another picture of that name'))
        (self.path / 'summer').rename(self.path / 'second')
        self.photos('import', self.path / 'second', code=1)
        self.assertEqual(self.photos('albums').decode(), f'{PICTURES + 1} summer/\n')
        self.photos('import', self.path / 'none', code=1)

    def test_pictures_that_lie(self):
        """Headers cut anywhere, offsets that lead out: nothing but a picture without a date or a thumbnail."""
        whole = jpeg('2026:05:09 18:20:01', b'small', b'noise')
        for i, cut in enumerate(range(4, 140, 9)):
            (self.folder / f'cut{i:02}.jpg').write_bytes(whole[:cut])
        for i in range(20):
            lying = bytearray(whole)
            for _ in range(3):
                lying[12 + self.random.randrange(90)] = self.random.randrange(256)
            (self.folder / f'lie{i:02}.jpg').write_bytes(lying)
        self.photos('import', self.folder)
        self.photos('check')


if __name__ == '__main__':
    sys.exit(main(__doc__))
