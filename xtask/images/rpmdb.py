"""Writes rpm's database in the two forms that Debian's rpm cannot write: rpmdb.py SQLITE FORM FILE

The headers are those that rpm wrote into SQLITE. `ndb` is laid out as rpm's lib/backend/ndb/rpmpkg.c (4.18) does; `bdb`
is a hash of Berkeley DB 5.3, by Perl's DB_File (Debian package perl).
"""

import sqlite3
import struct
import subprocess
import sys
import zlib

SLOT_PAGE, BLOCK = 4096, 16


def ndb(headers):
    generation = 1
    slots, blobs = b"", b""
    for number, header in headers:
        head = b"BlbS" + struct.pack("<III", number, generation, len(header))
        data = head + header + bytes(-(len(head) + len(header) + 12) % BLOCK)
        data += struct.pack("<II", zlib.adler32(data), len(header)) + b"BlbE"
        offset = (SLOT_PAGE + len(blobs)) // BLOCK
        slots += b"Slot" + struct.pack("<III", number, offset, len(data) // BLOCK)
        blobs += data
    next_number = max(number for number, _ in headers) + 1
    top = b"RpmP" + struct.pack("<IIIIII", 0, generation, 1, next_number, 0, 0)
    slots = top.ljust(32, b"\0") + slots
    slots += (b"Slot" + bytes(12)) * ((SLOT_PAGE - len(slots)) // BLOCK)
    if len(slots) != SLOT_PAGE:
        sys.exit("too many packages for one page of slots")
    return slots + blobs


BDB = r"""
use DB_File;
$DB_HASH->{bsize} = 4096;
tie(my %packages, "DB_File", $ARGV[0], O_RDWR | O_CREAT, 0644, $DB_HASH) or die "$ARGV[0]: $!";
binmode(STDIN);
while (read(STDIN, my $head, 8) == 8) {
    my ($number, $length) = unpack("VV", $head);
    read(STDIN, my $value, $length) == $length or die "cut off";
    $packages{pack("V", $number)} = $value;
}
"""


def bdb(headers, path):
    # The entry of number 0 holds the number that the next package gets.
    entries = [(0, struct.pack("<I", max(number for number, _ in headers) + 1)), *headers]
    stream = b"".join(struct.pack("<II", number, len(value)) + value for number, value in entries)
    subprocess.run(["perl", "-e", BDB, path], input=stream, check=True)


database, form, path = sys.argv[1:]
rows = sqlite3.connect(database).execute("select hnum, blob from Packages order by hnum").fetchall()
if form == "ndb":
    with open(path, "wb") as file:
        file.write(ndb(rows))
else:
    bdb(rows, path)
