//! What programs come to by the text of ECMAScript 2025, clause by clause, and by Node where Boa has faults of its own.

use serde::Deserialize;

use super::all_come_to;

/// A line of `node.jsonl`.
#[derive(Deserialize)]
struct Row {
    program: String,
    input: String,
    output: String,
}

/// Rest properties, powers, and numbers and texts as American English has them; `make_node.js` printed what Node 20 makes of
/// them.
#[test]
fn as_node_does() {
    let rows: Vec<Row> = include_str!("node.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rows.len() >= 40, "{}", rows.len());
    let table: Vec<_> = rows.iter().map(|row| (&*row.program, &*row.input, &*row.output)).collect();
    all_come_to(&table);
}

#[test]
fn number_to_string() {
    // 6.1.6.1.20 Number::toString, 21.1.3
    all_come_to(&[
        ("const f = x => String(x)", "1e21", r#""1e+21""#),
        ("const f = x => String(x)", "123456789012345680000", r#""123456789012345680000""#),
        ("const f = x => String(x)", "0.000001", r#""0.000001""#),
        ("const f = x => String(x)", "1e-7", r#""1e-7""#),
        ("const f = x => String(x)", "-0", r#""0""#),
        ("const f = x => x.toFixed(2)", "1.005", r#""1.00""#),
        ("const f = x => x.toString(2)", "-5.5", r#""-101.1""#),
        ("const f = x => x.toPrecision(3)", "1234.5", r#""1.23e+3""#),
        ("const f = x => 0.1 + x", "0.2", "0.30000000000000004"),
        ("const f = x => 2 ** 53 + x", "1", "9007199254740992"),
    ]);
}

#[test]
fn operators() {
    all_come_to(&[
        // 7.1.6 ToInt32, 13.9 Bitwise Shift Operators
        ("const f = x => [x | 0, x >>> 0, x << 1]", "4294967295", "[-1, 4294967295, -2]"),
        // 6.1.6.1.6 Number::remainder: the sign of the dividend
        ("const f = x => [x % 3, -x % 3]", "7", "[1, -1]"),
        // 6.1.6.2 The BigInt Type: division truncates
        ("const f = x => [x / 2n, x % 2n, x ** 3n]", "-7n", "[-3n, -1n, -343n]"),
        // 13.15.3 ApplyStringOrNumericBinaryOperator
        ("const f = x => [x + '1', x - '1', [] + x, [2] * x]", "3", r#"["31", 2, "3", 6]"#),
        // 7.2.13 IsLooselyEqual, 7.2.14 IsStrictlyEqual
        (
            "const f = x => [x == '1', x === '1', null == undefined, null == 0, NaN === NaN]",
            "1",
            "[true, false, true, false, false]",
        ),
        // 13.5.3 The typeof Operator
        (
            "const f = x => [typeof x, typeof f, typeof 1n, typeof undefined, typeof Symbol()]",
            "null",
            r#"["object", "function", "bigint", "undefined", "symbol"]"#,
        ),
        // 13.3 Optional Chains, 13.13 Binary Logical Operators
        (
            "const f = x => [x?.a, x?.[0]?.b ?? 'none', 0 || 'or', 0 ?? 'nullish']",
            "null",
            r#"[undefined, "none", "or", 0]"#,
        ),
    ]);
}

#[test]
fn arrays() {
    all_come_to(&[
        // 23.1.3.30 Array.prototype.sort: by strings without a comparator, undefined last; stable
        ("const f = a => a.sort()", "[10, 9, 1, undefined, 'b', 2]", r#"[1, 10, 2, 9, "b", undefined]"#),
        (
            "const f = a => a.sort((x, y) => x[0] - y[0]).map(x => x[1])",
            "[[1, 'a'], [0, 'b'], [1, 'c'], [0, 'd'], [1, 'e'], [0, 'f'], [1, 'g'], [0, 'h'], [1, 'i'], [0, 'j'], [1, 'k'], [0, 'l']]",
            r#"["b", "d", "f", "h", "j", "l", "a", "c", "e", "g", "i", "k"]"#,
        ),
        // 23.1.3.31 splice returns what it removes
        ("const f = a => [a.splice(1, 2, 'x'), a]", "[1, 2, 3, 4]", r#"[[2, 3], [1, "x", 4]]"#),
        // 23.1.3.13 flat, 23.1.3.1 at, 23.1.3.33 toSorted, 23.1.3.39 with
        (
            "const f = a => [a.flat(Infinity), a.at(-1), [3, 1].toSorted(), [1, 2].with(0, 9)]",
            "[1, [2, [3]]]",
            "[[1, 2, 3], [2, [3]], [1, 3], [9, 2]]",
        ),
        // 23.1.3.16 includes finds NaN, 23.1.3.17 indexOf does not
        ("const f = a => [a.includes(NaN), a.indexOf(NaN)]", "[NaN]", "[true, -1]"),
        // 23.1.3.24 reduce without a start, from an empty array
        (
            "const f = a => a.reduce((x, y) => x + y)",
            "[]",
            r#"Thrown(Thrown { name: "TypeError", message: "Array.prototype.reduce: called on an empty array and with no initial value" })"#,
        ),
        // 10.4.2.4 ArraySetLength
        ("const f = a => { a.length = 1; a[2] = 5; return [a.length, a.join()]; }", "[1, 2]", r#"[3, "1,,5"]"#),
    ]);
}

#[test]
fn objects_and_collections() {
    all_come_to(&[
        // 10.1.11.1 OrdinaryOwnPropertyKeys: indices ascending, then names as they were added
        ("const f = o => Object.keys(o)", "{b: 1, 2: 1, a: 1, 1: 1, '-1': 1}", r#"["1", "2", "b", "a", "-1"]"#),
        // 25.5.2 JSON.stringify
        (
            "const f = o => JSON.stringify(o)",
            "{a: [undefined, NaN, -0], b: undefined, c: 'é\\n'}",
            r#""{\"a\":[null,null,0],\"c\":\"é\\n\"}""#,
        ),
        // 24.1.3 and 24.2.4: insertion order, SameValueZero
        ("const f = a => [...new Map([[NaN, 1], [0, 2], [NaN, 3], [-0, 4]])]", "1", "[[NaN, 3], [0, 4]]"),
        ("const f = a => [...new Set(a)].join('')", "'mississippi'", r#""misp""#),
        // 24.2.4.17 Set.prototype.union, 22.2 Object.groupBy
        ("const f = a => [...new Set(a).union(new Set([9]))]", "[2, 1]", "[2, 1, 9]"),
        ("const f = a => Object.groupBy(a, x => x % 2 ? 'odd' : 'even')", "[1, 2, 3]", "{odd: [1, 3], even: [2]}"),
        // 20.1.2.14 Object.is
        ("const f = x => [Object.is(x, 0), x === 0]", "-0", "[false, true]"),
    ]);
}

#[test]
fn syntax() {
    all_come_to(&[
        // 14.3.3 Destructuring Binding Patterns
        (
            "function f({a, ...rest}, [b = 7, , c] = []) { return [a, rest, b, c]; }",
            "{a: 1, x: 2, y: 3}, [undefined, 5, 6]",
            "[1, {x: 2, y: 3}, 7, 6]",
        ),
        // 14.7.4.4 CreatePerIterationEnvironment
        (
            "function f(n) { const g = []; for (let i = 0; i < n; i++) g.push(() => i); return g.map(h => h()); }",
            "3",
            "[0, 1, 2]",
        ),
        (
            "function f(n) { const g = []; for (var i = 0; i < n; i++) g.push(() => i); return g.map(h => h()); }",
            "3",
            "[3, 3, 3]",
        ),
        // 14.13 Labelled Statements, 14.12 switch falls through
        (
            "function f(x) { outer: for (let i = 0; ; i++) for (let j = 0; j < 5; j++) if (i * j === x) break outer; else \
          if (j > i) continue outer; switch (x) { case 6: x += 1; case 7: x *= 2; } return x; }",
            "6",
            "14",
        ),
        // 14.15 try: finally decides
        ("function f(x) { try { return 'try'; } finally { return 'finally'; } }", "1", r#""finally""#),
        // 15.5 Generators, 7.4 Iteration
        ("function* g(n) { while (n) yield n--; } const f = n => [...g(n)]", "3", "[3, 2, 1]"),
        // 15.7 Classes: fields, private names, static, accessors, super
        (
            "class A { #n = 1; static made = 0; constructor() { A.made++; } get n() { return this.#n; } } \
          class B extends A { get n() { return super.n + 1; } } function f(x) { return [new B().n, A.made]; }",
            "1",
            "[2, 1]",
        ),
        // 9.1.1.1 Declarative environments: the temporal dead zone
        ("function f(x) { try { y; } catch (e) { return e.name; } let y; }", "1", r#""ReferenceError""#),
        // 13.2.8 Template Literals, tagged
        (
            "const tag = (strings, ...values) => [strings.raw, values]; const f = x => { const [raw, values] = tag`a\\n${x}b`; \
          return [[...raw], values]; }",
            "1",
            r#"[["a\\n", "b"], [1]]"#,
        ),
    ]);
}

#[test]
fn strings_and_regular_expressions() {
    all_come_to(&[
        // 6.1.4 The String Type: code units; 22.1.5 iteration by code points
        ("const f = s => [s.length, [...s].length, s.codePointAt(0)]", "'\u{1F600}'", "[2, 1, 128512]"),
        // 22.1.3 methods of strings
        (
            "const f = s => [s.slice(-2), s.substring(2, 0), s.padStart(5, '*'), s.at(-1), s.split('')]",
            "'abc'",
            r#"["bc", "ab", "**abc", "c", ["a", "b", "c"]]"#,
        ),
        ("const f = s => s.normalize('NFD').length", "'é'", "2"),
        ("const f = s => ['ß'.toUpperCase(), 'İ'.toLowerCase().length]", "''", r#"["SS", 2]"#),
        // 22.2 RegExp: named groups, sticky, lookbehind, unicode properties
        ("const f = s => s.replace(/(?<y>\\d{4})-(?<m>\\d\\d)/, '$<m>/$<y>')", "'2026-11'", r#""11/2026""#),
        (
            "const f = s => [...s.matchAll(/(?<=\\$)\\d+/g)].map(m => [m[0], m.index])",
            "'$12 5 $7'",
            r#"[["12", 1], ["7", 7]]"#,
        ),
        ("const f = s => s.match(/\\p{Lu}/gu)", "'aÄbÉ'", r#"["Ä", "É"]"#),
    ]);
}
