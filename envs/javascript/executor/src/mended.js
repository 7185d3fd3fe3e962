// What the engine does otherwise than ECMAScript, or than every browser where ECMAScript leaves it open. As far as that can
// be mended from outside: `**` of large powers keeps its last digits, and a rest property behind a nested pattern keeps
// that pattern's key.
{
    const define = (object, methods) => {
        for (const name of Object.keys(methods)) {
            Object.defineProperty(object, name, { value: methods[name], writable: true, enumerable: false, configurable: true });
        }
    };
    const { exp } = Math;
    const { toExponential } = Number.prototype;
    const numberOf = Number.prototype.valueOf, bigintOf = BigInt.prototype.valueOf;
    const call = Function.prototype.call.bind(Function.prototype.call);
    const words = new DataView(new ArrayBuffer(8));

    // The exact value of a positive number, as a fraction.
    const fraction = (x) => {
        words.setFloat64(0, x);
        const bits = words.getBigUint64(0);
        const exponent = Number(bits >> 52n), digits = bits & 0xfffffffffffffn;
        const mantissa = exponent ? digits | 0x10000000000000n : digits, shift = (exponent || 1) - 1075;
        return shift < 0 ? [mantissa, 1n << BigInt(-shift)] : [mantissa << BigInt(shift), 1n];
    };

    // Halves are rounded up, as `toFixed` does.
    const exponential = (x, count) => {
        const [numerator, denominator] = fraction(x);
        let exponent = Number(call(toExponential, x).split("e")[1]);
        for (;;) {
            const scale = count - exponent;
            const over = numerator * (scale > 0 ? 10n ** BigInt(scale) : 1n), under = denominator * (scale < 0 ? 10n ** BigInt(-scale) : 1n);
            const digits = String((2n * over + under) / (2n * under));
            if (digits.length === count + 1) {
                const point = count ? `${digits[0]}.${digits.slice(1)}` : digits;
                return `${point}e${exponent < 0 ? "-" : "+"}${Math.abs(exponent)}`;
            }
            exponent += digits.length > count + 1 ? 1 : -1;
        }
    };

    // The digits of a number before and behind the point, without exponent.
    const plain = (text) => {
        const [mantissa, exponent = "0"] = text.split("e");
        const [whole, part = ""] = mantissa.split("."), shift = Number(exponent);
        if (shift >= 0) return [whole + part.slice(0, shift).padEnd(shift, "0"), part.slice(shift)];
        const digits = whole.padStart(1 - shift, "0");
        return [digits.slice(0, shift), digits.slice(shift) + part];
    };

    // As American English has it. Halves of what is printed are rounded away from zero.
    const grouped = (text, least, most) => {
        const negative = text.startsWith("-");
        let [whole, part] = plain(negative ? text.slice(1) : text);
        if (part.length > most) {
            const up = part[most] >= "5" ? 1n : 0n;
            const digits = String(BigInt(whole + part.slice(0, most)) + up).padStart(most + 1, "0");
            [whole, part] = [digits.slice(0, digits.length - most), digits.slice(digits.length - most)];
        }
        part = part.replace(/0+$/, "").padEnd(least, "0");
        whole = whole.replace(/^0+(?=\d)/, "").replace(/\B(?=(\d{3})+$)/g, ",");
        return (negative ? "-" : "") + whole + (part && `.${part}`);
    };
    const digitsOf = (options, [fewest, greatest]) => {
        const { minimumFractionDigits: least, maximumFractionDigits: most } = options ?? {};
        for (const digits of [least, most]) {
            if (digits !== undefined && !(digits >= 0 && digits <= 100)) throw new RangeError("fraction digits are out of range");
        }
        if (least > most) throw new RangeError("maximumFractionDigits value is out of range.");
        return [least ?? Math.min(fewest, most ?? fewest), most ?? Math.max(greatest, least ?? 0)];
    };

    // American English only, and what most programs ask for: another locale or option is refused, not left out.
    const isEnglish = (locale) => /^en(-(US|GB|CA|AU))?$/.test(locale);
    const symbols = { USD: "$", EUR: "€", GBP: "£", INR: "₹" };
    const supported = ["minimumFractionDigits", "maximumFractionDigits", "style", "currency", "useGrouping"];
    const formatted = (text, locales, options) => {
        const { style = "decimal", currency, useGrouping = true } = options ?? {};
        const other = Object.keys(options ?? {}).find((name) => !supported.includes(name));
        if (locales !== undefined && ![].concat(locales).every(isEnglish)) throw new RangeError(`locale ${locales} is not offered`);
        if (other) throw new RangeError(`option ${other} is not offered`);
        if (style === "currency" && currency === undefined) throw new TypeError("Currency code is required with currency style.");
        if (!["decimal", "percent"].includes(style) && !(style === "currency" && currency in symbols)) {
            throw new RangeError(`style ${style} is not offered`);
        }
        const defaults = { decimal: [0, 3], percent: [0, 0], currency: [2, 2] }[style];
        const negative = text.startsWith("-");
        const shifted = style === "percent" ? hundredfold(negative ? text.slice(1) : text) : negative ? text.slice(1) : text;
        const number = grouped(shifted, ...digitsOf(options, defaults));
        const shown = useGrouping ? number : number.replaceAll(",", "");
        return (negative ? "-" : "") + (style === "currency" ? symbols[currency] : "") + shown + (style === "percent" ? "%" : "");
    };
    const hundredfold = (text) => {
        const [whole, part] = plain(text);
        return `${whole}${part.slice(0, 2).padEnd(2, "0")}.${part.slice(2) || "0"}`;
    };

    // As other engines add up, each square as a share of the largest.
    const hypotenuse = (numbers) => {
        const sizes = numbers.map((number) => Math.abs(number)), largest = Math.max(0, ...sizes);
        if (sizes.includes(Infinity)) return Infinity;
        if (largest === 0 || largest !== largest) return largest;
        let sum = 0, lost = 0;
        for (const size of sizes) {
            const square = (size / largest) ** 2 - lost, next = sum + square;
            lost = next - sum - square;
            sum = next;
        }
        return Math.sqrt(sum) * largest;
    };

    define(Math, {
        // Another last digit than that of Math.E.
        exp: (x) => ((x = +x) === 1 ? Math.E : exp(x)),
        hypot: (...numbers) => hypotenuse(numbers.map(Number)),
    });
    Object.defineProperty(Math.hypot, "length", { value: 2, configurable: true });
    define(Array.prototype, {
        toLocaleString(locales, options) {
            const parts = [];
            for (let index = 0; index < this.length; index++) {
                parts.push(this[index] === undefined || this[index] === null ? "" : this[index].toLocaleString(locales, options));
            }
            return parts.join(",");
        },
    });
    define(Number.prototype, {
        toExponential(fractionDigits) {
            const x = call(numberOf, this), count = Math.trunc(Number(fractionDigits)) || 0;
            if (fractionDigits === undefined || !Number.isFinite(x) || count < 0 || count > 100 || x === 0) {
                return call(toExponential, x, fractionDigits);
            }
            return x < 0 ? `-${exponential(-x, count)}` : exponential(x, count);
        },
        toLocaleString(locales, options) {
            const x = call(numberOf, this);
            if (!Number.isFinite(x)) return x !== x ? "NaN" : x < 0 ? "-∞" : "∞";
            return formatted(Object.is(x, -0) ? "-0" : String(x), locales, options);
        },
    });
    define(BigInt.prototype, {
        toLocaleString(locales, options) {
            return formatted(String(call(bigintOf, this)), locales, options);
        },
    });

    // Letters before their case, in the order of the root collation. Signs beyond ASCII go by their number, behind the letters.
    const signs = "\t\n\v\f\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789";
    const order = new Map([...signs].map((sign, index) => [sign, index]));
    const weight = (sign) => {
        const lower = sign.toLowerCase();
        return order.get(sign) ?? (lower >= "a" && lower <= "z" && lower.length === 1 ? 100 + lower.charCodeAt(0) : 1000 + lower.codePointAt(0));
    };
    const isMark = (sign) => sign >= "\u0300" && sign <= "\u036f";
    const isIgnored = (sign) => sign < "\t" || (sign > "\r" && sign < " ") || sign === "\x7f";
    const weights = (text, numeric) => {
        const primary = [], marks = [], cases = [];
        for (const part of text.normalize("NFD").match(numeric ? /\d+|[^]/gu : /[^]/gu) ?? []) {
            if (isIgnored(part)) continue;
            if (isMark(part)) {
                marks[marks.length - 1] = (marks.at(-1) ?? 0) * 4096 + part.charCodeAt(0);
                continue;
            }
            if (numeric && /^\d/.test(part)) primary.push(order.get("0"), Number(part));
            else primary.push(weight(part));
            marks.push(0);
            cases.push(part === part.toLowerCase() ? 0 : 1);
        }
        return [primary, marks, cases];
    };
    const compare = (one, other) => {
        for (let index = 0; index < Math.min(one.length, other.length); index++) {
            if (one[index] !== other[index]) return one[index] < other[index] ? -1 : 1;
        }
        return Math.sign(one.length - other.length);
    };
    define(String.prototype, {
        localeCompare(that, locales, options) {
            if (this === undefined || this === null) throw new TypeError("String.prototype.localeCompare called on null or undefined");
            const { sensitivity = "variant", numeric = false } = options ?? {};
            const [one, other] = [weights(String(this), numeric), weights(String(that), numeric)];
            const levels = { base: [0], accent: [0, 1], case: [0, 2], variant: [0, 1, 2] }[sensitivity] ?? [0, 1, 2];
            for (const level of levels) {
                const result = compare(one[level], other[level]);
                if (result) return result;
            }
            return 0;
        },
    });

    // HTML's structured clone of what a program can make here. Accessors are read, classes and symbols are left behind.
    const { toString } = Object.prototype;
    const refused = (value) => {
        const shown = typeof value === "object" ? `#<${value.constructor?.name ?? "Object"}>` : String(value);
        return Object.assign(new Error(`${shown} could not be cloned.`), { name: "DataCloneError" });
    };
    const errors = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
    const clonedError = (error) => {
        const made = new (errors[error.name] ?? Error)(error.message);
        if (Object.hasOwn(error, "cause")) define(made, { cause: error.cause });
        return made;
    };
    // The copy, and whether properties belong to it.
    const copied = (value, clone) => {
        if (Array.isArray(value)) return [new Array(value.length), true];
        if (value instanceof Map) return [new Map(), false];
        if (value instanceof Set) return [new Set(), false];
        if (value instanceof RegExp) return [new RegExp(value.source, value.flags), false];
        if (value instanceof Error) return [clonedError(value), false];
        if (value instanceof ArrayBuffer) return [value.slice(0), false];
        if (ArrayBuffer.isView(value)) {
            const kind = value instanceof DataView ? DataView : globalThis[value[Symbol.toStringTag]];
            return [new kind(clone(value.buffer), value.byteOffset, value instanceof DataView ? value.byteLength : value.length), false];
        }
        if (/^\[object (Boolean|Number|String|BigInt)\]$/.test(call(toString, value))) return [Object(value.valueOf()), false];
        for (const kind of [WeakMap, WeakSet, Promise]) if (value instanceof kind) throw refused(value);
        return [{}, true];
    };
    const cloned = (value, seen) => {
        if (typeof value === "function" || typeof value === "symbol") throw refused(value);
        if (typeof value !== "object" || value === null) return value;
        if (seen.has(value)) return seen.get(value);
        const clone = (part) => cloned(part, seen);
        const [copy, hasProperties] = copied(value, clone);
        seen.set(value, copy);
        if (value instanceof Map) for (const [key, item] of [...value]) copy.set(clone(key), clone(item));
        if (value instanceof Set) for (const item of [...value]) copy.add(clone(item));
        if (hasProperties) for (const key of Object.keys(value)) copy[key] = clone(value[key]);
        return copy;
    };
    globalThis.structuredClone = function structuredClone() {
        if (arguments.length === 0) throw new TypeError("The \"value\" argument must be specified");
        return cloned(arguments[0], new Map());
    };
}
