"""Shows what a program shares, in gdb: handles with the contents of their objects, and the insides of a segment.

    (gdb) source /usr/share/partage/gdb/partage.py     # of itself for a program linked with libpartage.so
    (gdb) print numbers
    $1 = partage::ListProxy of object #4294967299, 3 elements = {1, 2, 3}

Contents are read from the memory of the program, without its help and without locks: of an object that is being changed, what
stands there. The bytes are those of docs/format.md; an element of a type that is not decoded here is shown in hexadecimal.
Needs the debug information of the program, not that of the library. 64-bit machines, little-endian.
"""
import struct

import gdb
import gdb.printing

MOST = 200  # elements shown of a container at most; `set print elements` shows fewer
NUMBERS = {'i8': 'b', 'u8': 'B', 'i16': 'h', 'u16': 'H', 'i32': 'i', 'u32': 'I', 'i64': 'q', 'u64': 'Q', 'f32': 'f', 'f64': 'd',
           'bool': '?', 'byte': 'B'}


def read(address, size):
    return gdb.selected_inferior().read_memory(int(address), size).tobytes()


def word(address):
    return struct.unpack('<Q', read(address, 8))[0]


# --- Elements: a description such as dict<str,vec<i32>>, and the bytes ------------------------------------------------


def parse(text):
    """'dict<str,vec<i32>>' -> ('dict', [('str', []), ('vec', [('i32', [])])])"""
    def one(at):
        end = at
        while end < len(text) and text[end] not in '<,>':
            end += 1
        name, parts = text[at:end], []
        if end < len(text) and text[end] == '<':
            while text[end] != '>':
                part, end = one(end + 1)
                parts.append(part)
            end += 1
        return (name, parts), end
    return one(0)[0]


class Undecoded(Exception):
    pass


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        if self.at + size > len(self.data):
            raise Undecoded
        self.at += size
        return self.data[self.at - size:self.at]

    def count(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def value(self, kind):
        name, parts = kind
        if name in NUMBERS:
            code = '<' + NUMBERS[name]
            value = struct.unpack(code, self.take(struct.calcsize(code)))[0]
            return str(value).lower() if name == 'bool' else str(value)
        if name == 'str':
            text = self.take(self.count()).decode('utf-8', 'backslashreplace')
            return '"' + text.replace('\\', '\\\\').replace('"', '\\"') + '"'
        if name in ('vec', 'set'):
            return '{' + ', '.join(self.value(parts[0]) for _ in range(self.count())) + '}'
        if name == 'map':
            pairs = (self.value(parts[0]) + ': ' + self.value(parts[1]) for _ in range(self.count()))
            return '{' + ', '.join(pairs) + '}'
        if name == 'opt':
            return self.value(parts[0]) if self.take(1)[0] else 'nullopt'
        if name in ('tuple', 'pair') and parts:
            return '(' + ', '.join(self.value(p) for p in parts) + ')'
        raise Undecoded


def show(kind, element):
    data, refs = element
    if refs and not data:
        return 'object #%d' % refs[0]
    try:
        cursor = Cursor(data)
        text = cursor.value(kind)
        if cursor.at == len(data):
            return text
    except Undecoded:
        pass
    return '<%s>' % data.hex()


# --- Containers, as they stand in a segment --------------------------------------------------------------------------


class Shared:
    """The object of a LocalObject: where it is, and its description."""

    def __init__(self, local):
        local = int(local)
        # engine::SharedObject (proxy/engine/session.hpp): handles, ref, checked_type, session, segment, base, body, kind
        self.ref, self.base, self.body = word(local + 8), word(local + 48), word(local + 56)
        if self.base == 0 or read(self.base, 8) != b'PARTAGE1':
            raise gdb.MemoryError('the segment is not mapped')
        slot = self.slot(self.ref & 0xffffffff)
        text = word(slot + 24)
        self.type = parse(read(self.base + text + 8, word(self.base + text)).decode())

    def slot(self, index):
        registry, chunk, first = self.base + word(self.base + 112), 0, 0
        while index >= first + (256 << chunk):
            first += 256 << chunk
            chunk += 1
        return self.base + word(registry + 4352 + 8 * chunk) + 128 * (index - first)

    def blob(self, offset):
        shape = word(self.base + offset + 8)
        size, refs = shape & (1 << 40) - 1, shape >> 40
        at = self.base + offset + 16
        return read(at + 8 * refs, size), [word(at + 8 * i) for i in range(refs)]

    def elements(self):
        """Of a list, a value or an array: how many, and the first ones."""
        body = self.base + self.body
        config = word(body)
        packed = config & 15
        if config >> 9 & 1:
            return 1, [(read(body + 16, packed), [])]
        ring, ends = word(body + 64 + 88), word(body + 64 + 96)
        head, size = ends >> 32, ends & 0xffffffff
        slots, mask = self.base + (ring >> 8), (1 << (ring & 63)) - 1
        return size, [self.element(slots, (head + i) & mask, packed) for i in range(min(size, MOST))]

    def element(self, slots, i, packed):
        if packed:
            return read(slots + 8 * i, packed), []
        data, first = read(slots + 16 * i, 16), word(slots + 16 * i)
        code = data[8]
        if code == 16:
            return self.blob(first)
        if code == 17:
            return b'', [first]
        return (data[:8] + data[9:])[:code], []

    def entries(self):
        """Of a dict: pairs of elements, in the order of insertion."""
        body = self.base + self.body
        root = word(body)
        found = []
        for stripe in range(1 << (root & 255)):
            words = self.base + (root >> 8) + 256 * stripe + 80
            table, count = word(words + 8), word(words + 16)
            if table in (0, 1):
                continue
            first = self.base + (table >> 8) + (8 << (table & 127))
            for i in range(count >> 32):
                entry = struct.unpack('<6Q', read(first + 48 * i, 48))
                if entry[0] != 0:
                    found.append(entry)
        found.sort(key=lambda entry: entry[1])
        return len(found), [(self.key(e), self.value(e)) for e in found[:MOST]]

    def key(self, entry):
        code = entry[0] >> 8 & 255
        return self.blob(entry[3]) if code == 26 else (struct.pack('<3Q', *entry[3:])[:code - 1], [])

    def value(self, entry):
        code = entry[0] & 15
        if code == 9:
            return self.blob(entry[2])
        return (b'', [entry[2]]) if code == 10 else (struct.pack('<Q', entry[2])[:code], [])


# --- Printers --------------------------------------------------------------------------------------------------------


def base_name(value):
    return value.type.strip_typedefs().unqualified().name.split('<')[0]


class Handle:
    """A handle whose object has elements. `member` leads to the engine's class, which has the ObjectPtr."""

    def __init__(self, value, member):
        self.name = base_name(value)
        self.local = int(value[member]['object_']['object_'])

    def to_string(self):
        if self.local == 0:
            return self.name + ' of nothing'
        try:
            return '%s of %s' % (self.name, self.contents(Shared(self.local)))
        except gdb.MemoryError as error:
            return '%s of object #%d, which cannot be read: %s' % (self.name, word(self.local + 8), error)

    @staticmethod
    def contents(shared):
        kind, parts = shared.type
        if kind in ('value', 'shared_array', 'list'):
            size, elements = shared.elements()
            texts = [show(parts[0], e) for e in elements]
        else:
            size, entries = shared.entries()
            texts = [': '.join(show(part, e) for part, e in zip(parts, entry)) for entry in entries]
        limit = min(gdb.parameter('print elements') or MOST, MOST)
        more = ['...'] if size > limit else []
        return 'object #%d, %d element%s = {%s}' % (
            shared.ref, size, '' if size == 1 else 's', ', '.join(texts[:limit] + more))


class Pointer:
    def __init__(self, value):
        self.local = int(value['object_'])

    def to_string(self):
        if self.local == 0:
            return 'of nothing'
        return 'object #%d, %d handles in this process' % (word(self.local + 8), word(self.local) & 0xffffffff)


class BytesPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        size = int(self.value['size_'])
        far = word(int(self.value['far_'].address))
        data = read(far or int(self.value['near_'].address), min(size, MOST))
        return '%d bytes <%s%s>' % (size, data.hex(), '...' if size > MOST else '')


class WordPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        number = int(self.value['value_'])
        return '%d (0x%x)' % (number, number)


class MutexPrinter:
    def __init__(self, value):
        self.lock = word(int(value.address)) & 0xffffffff

    def to_string(self):
        owner = self.lock & 0x3fffffff
        if self.lock & 0x40000000:
            return 'its owner has died; the next locker repairs what it guards'
        return ('held by thread %d' % owner if owner else 'free') + (', others wait' if self.lock >> 31 else '')


class StripePrinter:
    def __init__(self, value):
        self.value, self.at = value, int(value.address)

    def to_string(self):
        commit, seq, owner = word(self.at + 40), word(self.at + 64), word(self.at + 240)
        kind = {0: 'plain', 1: 'list', 2: 'dict', 3: 'first of a dict', 4: 'registry'}.get(owner & 63, 'unknown')
        decided = 'nothing decided' if commit == 0 else '%d words decided' % (commit & (1 << 47) - 1)
        return 'stripe (%s) of the body at %d: lock %s, sequence %d (window %s), %s' % (
            kind, owner & ~63, MutexPrinter(self.value).to_string(), seq, 'open' if seq & 1 else 'closed', decided)


class HeaderPrinter:
    def __init__(self, value):
        self.at = int(value.address)

    def to_string(self):
        if read(self.at, 8) != b'PARTAGE1':
            return 'no segment'
        name = read(self.at + 128, 128).split(b'\0')[0].decode('utf-8', 'backslashreplace')
        return 'segment %s, format %d, %s: %d of %d bytes committed, manager process %d (start %d), %d repairs' % (
            "'%s'" % name if name else 'without a name', word(self.at + 8), 'shut down' if word(self.at + 72) else 'live',
            word(self.at + 64), word(self.at + 80), word(self.at + 296), word(self.at + 304), word(self.at + 312))


class SegmentPrinter:
    def __init__(self, value):
        self.base = int(value['base_'])

    def to_string(self):
        class At:
            address = self.base
        return HeaderPrinter(At).to_string() + ', mapped at 0x%x' % self.base


def collection():
    printers = gdb.printing.RegexpCollectionPrettyPrinter('partage')
    for name, member in (('ListProxy', 'list_'), ('Array', 'list_'), ('DictProxy', 'dict_'), ('SetProxy', 'set_'), ('Value', 'cell_')):
        printers.add_printer(name, '^partage::%s<.*>$' % name, lambda value, member=member: Handle(value, member))
    for name, printer in (('engine::ObjectPtr', Pointer), ('Bytes', BytesPrinter), ('kernel::Word', WordPrinter),
                          ('kernel::RobustMutex', MutexPrinter), ('kernel::Stripe', StripePrinter),
                          ('kernel::SegmentHeader', HeaderPrinter), ('kernel::Segment', SegmentPrinter)):
        printers.add_printer(name, '^partage::%s$' % name, printer)
    return printers


gdb.printing.register_pretty_printer(None, collection(), replace=True)
