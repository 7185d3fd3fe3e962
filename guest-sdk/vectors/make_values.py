"""Writes values.txt: `python3 make_values.py > values.txt`, checked with CPython 3.11.

An encoder of its own, written from the table in src/value.rs and not shared with the executor, so that the vectors are
independent of both implementations they test.
"""

import struct


def double(x, canonical):
    if x != x:
        return "7ff8000000000000"
    return struct.pack(">d", 0.0 if canonical and x == 0 else x).hex()


def enc(v, canonical=False):
    e = lambda x: enc(x, canonical)
    items = lambda tag, parts: f"{tag}{len(parts)}:".encode() + b"".join(parts)
    order = sorted if canonical else list
    t = type(v)
    if v is None:
        return b"n"
    if t is bool:
        return b"t" if v else b"f"
    if t is int:
        return f"i{v};".encode()
    if t is float:
        return f"d{double(v, canonical)}".encode()
    if t is complex:
        return f"c{double(v.real, canonical)}{double(v.imag, canonical)}".encode()
    if t is str:
        return f"s{len(v.encode())}:".encode() + v.encode()
    if t is bytes:
        return f"b{len(v)}:".encode() + v
    if t is dict:
        return items("m", order([e(k) + e(x) for k, x in v.items()]))
    if t in (list, tuple):
        return items("l" if t is list else "u", [e(x) for x in v])
    return items("e" if t is set else "z", order([e(x) for x in v]))


nan, inf = float("nan"), float("inf")
VALUES = """None True False 0 -1 1 255 -256 10**30 -(10**40) 2**63 0.0 -0.0 1.5 -2.25 0.1 1e16 1e-5 1.7976931348623157e308 5e-324
nan inf -inf 1j 1+2j -1.5-0.5j complex(0.0,inf) complex(nan,1) '' 'a' 'hello_world' 'ä€😀' '\\x00\\n\\t\\\\' "it's" '"' b'' b'x' b'\\x00\\xff;:'
[] [1] [1,2.0,'3'] [[],[[]]] () (1,) (1,2) ((),[()]) {} {'a':1} {2:'b',1:'a'} {'k':{'n':[None]}} {1.5:(),None:[],(1,'x'):b'z'}
set() {1} {3,1,2} {(1,2)} {None,True,'a'} frozenset() frozenset({1}) frozenset({(),frozenset()}) {frozenset({1}):{2}} [True,1,1.0]
[0.0,-0.0,nan] (None,True,False,0,0.0,0j,'',b'',[],(),{},set(),frozenset())""".split()
MALFORMED = r"""|x|nn|i;|i+1;|i01;|i-0;|i1|i 1;|i1.5;|d|d000|d3FF8000000000000|d7ff8000000000001|dfff8000000000000|c3ff0000000000000|s|s1:|s2:a|s-1:a|s01:a
s1:ab|s1:\xff|s2:\xc3|s3:\xed\xa0\x80|s99999999999999999999:a|b1:|l1:|l2:n|l1:nn|l1|l:n|u1:|m1:n|m1:|m1:nnn|e1:|z2:n|l18446744073709551615:n|t;|n\x00""".replace("\n", "|").split("|")


def escaped(data):
    return "".join(chr(b) if 32 < b < 127 and b != 92 else f"\\x{b:02x}" for b in data)


print("# Python expression, encoding, canonical form; made by make_values.py. Bytes as in a Python bytes literal.")
for text in VALUES:
    value = eval(text)
    print(text, escaped(enc(value)), escaped(enc(value, True)), sep="\t")
print("# Bytes that no decoder accepts.")
for text in MALFORMED:
    print("!", text, sep="\t")
