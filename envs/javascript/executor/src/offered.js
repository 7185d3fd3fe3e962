// What a program finds in its global object; anything else that the engine has is removed. Left out are the clock
// (Date), randomness (Math.random), what shows when garbage is collected (WeakRef, FinalizationRegistry) and what threads
// share (Atomics, SharedArrayBuffer). Modules, timers and files were never there.
{
    const offered = [
        "AggregateError", "Array", "ArrayBuffer", "BigInt", "BigInt64Array", "BigUint64Array", "Boolean", "DataView",
        "Error", "EvalError", "Float32Array", "Float64Array", "Function", "Infinity", "Int16Array", "Int32Array",
        "Int8Array", "Iterator", "JSON", "Map", "Math", "NaN", "Number", "Object", "Promise", "Proxy", "RangeError",
        "ReferenceError", "Reflect", "RegExp", "Set", "String", "Symbol", "SyntaxError", "TypeError", "URIError",
        "Uint16Array", "Uint32Array", "Uint8Array", "Uint8ClampedArray", "WeakMap", "WeakSet", "decodeURI",
        "decodeURIComponent", "encodeURI", "encodeURIComponent", "escape", "eval", "globalThis", "isFinite", "isNaN",
        "parseFloat", "parseInt", "undefined", "unescape",
    ];
    for (const name of Object.getOwnPropertyNames(globalThis)) {
        if (!offered.includes(name)) delete globalThis[name];
    }
    delete Math.random;
    // What programs print goes nowhere, for there is nobody to read it.
    const nowhere = () => {};
    globalThis.console = { log: nowhere, info: nowhere, debug: nowhere, warn: nowhere, error: nowhere };
}
