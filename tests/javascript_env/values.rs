//! What crosses the boundary, in both directions, and what does not.

use super::{all_come_to, exec};

/// `executor/src/values.rs` has the table.
#[test]
fn plain_values_come_back_as_they_went_in() {
    let values = [
        "undefined",
        "null",
        "true",
        "false",
        "0",
        "-0",
        "NaN",
        "Infinity",
        "-Infinity",
        "0.1",
        "5e-324",
        "1e+21",
        "0n",
        "-12345678901234567890n",
        r#""""#,
        r#""a\"\\\n\u0000ä\u{1F600}""#,
        "[]",
        "[1, [2, []]]",
        "{}",
        r#"{1: "a", b: {"c d": null}}"#,
        "new Set([1, \"1\", [], []])",
        "new Map([[\"a\", 1], [[], new Map()]])",
    ]; // fmt: skip
    let found = exec(values.iter().map(|value| ("const f = x => x", *value)));
    for (value, found) in values.iter().zip(found) {
        assert_eq!(found, value.replace("\\u{1F600}", "\u{1F600}"));
    }
}

/// The language sees values of its own, not copies of another's.
#[test]
fn arguments_are_what_literals_would_make() {
    let program = "function f(a, b, c, d) { return [a instanceof Array, b.constructor === Object, c instanceof Map, d instanceof \
                   Set, Object.is(b.zero, -0), 'x' in b, b.x === undefined, arguments.length]; }";
    all_come_to(&[(
        program,
        "[], {zero: -0, x: undefined}, new Map([[1, 2]]), new Set()",
        "[true, true, true, true, true, true, true, 4]",
    )]);
}

#[test]
fn what_is_not_plain_is_refused_with_the_reason() {
    let class = "an instance of a class";
    let other = "an object that is neither plain nor an array, a Map or a Set";
    let table = [
        ("[1, , 2]", "an array with holes"),
        ("new Array(3)", "an array with holes"),
        ("Object.assign([1], {a: 2})", "an array with further properties"),
        ("/b/.exec('abc')", "an array with further properties"),
        ("Object.assign(new Map(), {a: 1})", "a Map or a Set with further properties"),
        ("'\\ud800'", "a string with a lone surrogate"),
        ("({'\\udfff': 1})", "a string with a lone surrogate"),
        ("Symbol('a')", "a symbol"),
        ("({[Symbol('a')]: 1})", "an object with a symbol as a key"),
        ("({get a() { for (;;) {} }})", "an object with a getter or a setter"),
        ("Object.defineProperty([1], 0, {get() { return 1; }})", "an object with a getter or a setter"),
        ("Object.defineProperty({}, 'a', {value: 1})", "an object with a property that is not enumerable"),
        ("x => x", "a function"),
        ("class {}", "a function"),
        ("new (class A {})", class),
        ("new (class A extends Array {})", class),
        ("Object.create({a: 1})", class),
        ("new (class A extends Map {})", other),
        ("new Proxy({}, {ownKeys() { for (;;) {} }, getPrototypeOf() { for (;;) {} }})", other),
        ("new Proxy([1], {})", other),
        ("new Number(1)", other),
        ("new Error('a')", other),
        ("new Uint8Array(1)", other),
        ("/a/", other),
        ("(function* () {})()", other),
        ("Promise.resolve(1)", "a promise; f must return its result itself"),
        ("10n ** 4300n", "a bigint of more than 4300 digits"),
        ("'x'.repeat(70000)", "a value of more than 65536 encoded bytes"),
        ("new Array(4e9)", "a value of more than 65536 encoded bytes"),
        ("(() => { const a = []; a[0] = a; return a; })()", "a value nested more than 100 deep"),
    ];
    let programs: Vec<_> = table.iter().map(|(expression, _)| format!("const f = () => {expression}")).collect();
    let found = exec(programs.iter().map(|program| (program.as_str(), "1")));
    for ((expression, reason), found) in table.iter().zip(found) {
        assert_eq!(found, format!("Unsupported({reason:?})"), "{expression}");
    }
}

/// The encoder calls nothing of the program's.
#[test]
fn patched_prototypes_change_no_value() {
    let patches = "
        const classes = [Object, Array, Number, String, Map, Set, Boolean, BigInt, Symbol];
        const names = ['toString', 'valueOf', 'toJSON', 'keys', 'entries', 'forEach', 'size', 'value', 'get', 'constructor',
            Symbol.iterator, Symbol.toPrimitive, Symbol.toStringTag];
        const patch = Object.assign(Object.create(null), {get() { throw 'patched'; }, set() { throw 'patched'; }});
        const define = Object.defineProperty;
        for (let i = 0; i < classes.length; i++)
            for (let j = 0; j < names.length; j++) define(classes[i].prototype, names[j], patch);
        Object.keys = Reflect.ownKeys = Object.getOwnPropertyDescriptor = JSON.stringify = () => { throw 'patched'; };
    ";
    let program = format!("{patches} const f = x => ({{x, a: [1, 'b', 2n], m: new Map, s: new Set}})");
    all_come_to(&[(&program, "[{c: -0}]", r#"{x: [{c: -0}], a: [1, "b", 2n], m: new Map(), s: new Set()}"#)]);
}

/// What Node 20 comes to.
#[test]
fn numbers_are_written_as_elsewhere() {
    all_come_to(&[
        (
            "const f = x => [x.toExponential(0), (-x).toExponential(1), (0.00015).toExponential(0)]",
            "25",
            r#"["3e+1", "-2.5e+1", "1e-4"]"#,
        ),
        (
            "const f = x => [x.toExponential(), (0).toExponential(2), x.toExponential(25)]",
            "1.5",
            r#"["1.5e+0", "0.00e+0", "1.5000000000000000000000000e+0"]"#,
        ),
        ("const f = x => Math.exp(1) === Math.E", "0", "true"),
        (
            "const f = x => [x.toLocaleString(), (-0.5).toLocaleString(), (1e21).toLocaleString(), (12345678901234567890n).toLocaleString()]",
            "1234567.8915",
            r#"["1,234,567.892", "-0.5", "1,000,000,000,000,000,000,000", "12,345,678,901,234,567,890"]"#,
        ),
        (
            "const f = x => x.toLocaleString('en-US', {minimumFractionDigits: 2, maximumFractionDigits: 2})",
            "1234.5",
            r#""1,234.50""#,
        ),
    ]);
}

#[test]
fn texts_are_compared_as_in_browsers() {
    all_come_to(&[
        (
            "const f = words => words.sort((x, y) => x.localeCompare(y))",
            r#"["Zoo", "ape", "Ape", "zoo", "éa", "ez", "10", "9", "_a"]"#,
            r#"["_a", "10", "9", "ape", "Ape", "éa", "ez", "zoo", "Zoo"]"#,
        ),
        (
            "const f = words => words.sort((x, y) => x.localeCompare(y, undefined, {numeric: true}))",
            r#"["f10", "f9", "f1"]"#,
            r#"["f1", "f9", "f10"]"#,
        ),
        (
            "const f = x => [x.localeCompare('A', 'en', {sensitivity: 'base'}), x.localeCompare('b'), 'b'.localeCompare(x), x.localeCompare(x)]",
            r#""a""#,
            "[0, -1, 1, 0]",
        ),
    ]);
}
